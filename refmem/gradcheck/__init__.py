"""A gradient checker with four verdicts and an error bar."""

from refmem.gradcheck.check import assert_gradients, check_problem, gradcheck
from refmem.gradcheck.jax_adapter import from_jax
from refmem.gradcheck.ops import from_op
from refmem.gradcheck.problem import Problem, ProblemRefused, from_vjp
from refmem.gradcheck.report import GradientError, GradReport, Row
from refmem.gradcheck.torch_adapter import from_torch
from refmem.gradcheck.verdicts import Verdict

__all__ = ["GradReport", "GradientError", "Problem", "ProblemRefused", "Row", "Verdict", "assert_gradients",
           "check_problem", "from_jax", "from_op", "from_torch", "from_vjp", "gradcheck"]
