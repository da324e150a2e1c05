"""The gradient checkers of PyTorch and JAX, handed the same function and backward pass as ours.

Each is a function `judge(problem) -> bool`: whether it passed. All settings are the defaults of the library, unless the
name says otherwise.
"""

import functools
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from refmem.gradcheck.problem import Problem

Judge = Callable[[Problem], bool]


def available() -> dict[str, Judge]:
    """The checkers that are installed, by name."""
    found: dict[str, Judge] = {}
    if find_spec("torch") is not None:
        found["torch gradcheck"] = torch_gradcheck
        found["torch gradcheck, fast_mode"] = functools.partial(torch_gradcheck, fast_mode=True)
        found["torch gradcheck, eps=1e-2 atol=rtol=1e-2"] = functools.partial(
            torch_gradcheck, eps=1e-2, atol=1e-2, rtol=1e-2)
    if find_spec("jax") is not None:
        found["jax check_grads"] = jax_check_grads
    return found


def torch_gradcheck(problem: Problem, **settings: Any) -> bool:
    """`torch.autograd.gradcheck` of an autograd.Function that calls the problem."""
    import torch

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            outputs, ctx.pull = problem.linearize(tuple(t.detach().numpy().copy() for t in tensors))
            return torch.from_numpy(np.array(outputs[0] if isinstance(outputs, tuple) else outputs))

        @staticmethod
        def backward(ctx: Any, w: Any) -> Any:
            gradients = ctx.pull((w.numpy().copy(),))
            return tuple(map(torch.from_numpy, gradients if isinstance(gradients, tuple) else (gradients,)))

    inputs = [torch.from_numpy(x.copy()).requires_grad_() for x in problem.arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that float32 is not what it is made for
        return bool(torch.autograd.gradcheck(Wrapped.apply, inputs, raise_exception=False, **settings))


def jax_check_grads(problem: Problem) -> bool:
    """`jax.test_util.check_grads`, first order, reverse mode, of a custom_vjp that calls the problem."""
    import jax
    from jax.test_util import check_grads

    wide = problem.dtype == "float64"
    like = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in problem.arguments)

    def run(*arguments: Any) -> Any:
        outputs, _ = problem.linearize(tuple(np.array(x) for x in arguments))
        return np.asarray(outputs[0] if isinstance(outputs, tuple) else outputs)

    def pull(w: Any, *arguments: Any) -> Any:
        gradients = problem.linearize(tuple(np.array(x) for x in arguments))[1]((np.array(w),))
        return gradients if isinstance(gradients, tuple) else (gradients,)

    y = run(*problem.arguments)
    shape = jax.ShapeDtypeStruct(y.shape, y.dtype)

    @jax.custom_vjp
    def wrapped(*arguments: Any) -> Any:
        return jax.pure_callback(run, shape, *arguments)

    wrapped.defvjp(lambda *arguments: (jax.pure_callback(run, shape, *arguments), arguments),
                   lambda arguments, w: jax.pure_callback(pull, like, w, *arguments))
    with jax.enable_x64(wide):
        try:
            check_grads(wrapped, tuple(map(jax.numpy.asarray, problem.arguments)), order=1, modes=["rev"])
        except AssertionError:
            return False
        finally:
            jax.clear_caches()  # each problem compiles its own function
    return True
