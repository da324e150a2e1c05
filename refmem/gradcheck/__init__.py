"""A gradient checker with four verdicts and an error bar.

    from refmem.gradcheck import gradcheck
    report = gradcheck(function, vjp, [x, weights])       # vjp(cotangent, x, weights) -> gradients
    print(report)                                         # bad rows, the worst last
    report.raise_if_failed()

In a test: `assert_gradients(function, vjp, [x, weights])`, or the fixture `refmem_gradcheck`. For PyTorch
`assert_gradients(from_torch(module, x))`, for JAX `assert_gradients(from_jax(f, x))`, for one of our operations
`assert_gradients(from_op(conv2d, x, kernels, bias))`.

There is no step and no tolerance to choose. Slopes are measured with an error bar of their own (`tableau`), rounding
included (`place`), along random directions and, where these do not suffice, along each element (`walk`, `argument`).
PASS says how small an error would have been caught, relative to a typical element of the gradient (`verdicts`). FAIL
has been measured three times, and is located (`examine`). KINK has different slopes to both sides, with the gradient
between them (`kinks`). INCONCLUSIVE says what hides the slope.
"""

from refmem.gradcheck.check import assert_gradients, check_problem, gradcheck
from refmem.gradcheck.jax_adapter import from_jax
from refmem.gradcheck.ops import from_op
from refmem.gradcheck.problem import Problem, ProblemRefused, from_vjp
from refmem.gradcheck.report import GradientError, GradReport, Row
from refmem.gradcheck.torch_adapter import from_torch
from refmem.gradcheck.verdicts import Verdict

__all__ = ["GradReport", "GradientError", "Problem", "ProblemRefused", "Row", "Verdict", "assert_gradients",
           "check_problem", "from_jax", "from_op", "from_torch", "from_vjp", "gradcheck"]
