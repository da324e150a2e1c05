"""JAX functions as problems.    (extra `jax`)"""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from refmem.gradcheck.problem import FLOATS, Arrays, Problem, ProblemRefused, Pull


def from_jax(function: Callable[..., Any], *inputs: Any, name: str | None = None) -> Problem:
    """The problem of `function(*inputs)` and of what `jax.vjp` makes of it.

    Parameters
    ----------
    function : callable of arrays, or of trees of arrays
    inputs : arrays, or trees of them
        float32 and float64 leaves are differentiated, anything else is passed as it is. float64 is switched on
        for the check where a leaf has it.

    Raises
    ------
    ImportError
        Without JAX.
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError as error:
        raise ImportError("checking JAX code needs JAX: pip install 'refmem[jax]'") from error

    leaves, tree = jax.tree_util.tree_flatten_with_path(inputs)
    moving = [k for k, (_, leaf) in enumerate(leaves) if getattr(leaf, "dtype", None) in FLOATS]
    if not moving:
        raise ProblemRefused("no input is a float array, so that nothing has a gradient")
    arguments = tuple(np.array(leaves[k][1]) for k in moving)
    names = tuple("input " + jax.tree_util.keystr(leaves[k][0])[1:].replace("]", "", 1) for k in moving)

    def precision() -> Any:
        wide = any(x.dtype == np.float64 for x in arguments)
        return jax.enable_x64(True) if wide else contextlib.nullcontext()

    def call(*moved: Any) -> tuple[Any, ...]:
        given = [leaf for _, leaf in leaves]
        for k, x in zip(moving, moved, strict=True):
            given[k] = x
        return tuple(jax.tree_util.tree_leaves(function(*jax.tree_util.tree_unflatten(tree, given))))

    def forward(at: Arrays) -> Arrays:
        with precision():
            return tuple(np.asarray(y) for y in call(*map(jnp.asarray, at)))

    def linearize(at: Arrays) -> tuple[Arrays, Pull]:
        with precision():
            outputs, vjp = jax.vjp(call, *map(jnp.asarray, at))

        def pull(cotangents: Arrays) -> Arrays:
            with precision():
                return tuple(np.asarray(g) for g in vjp(tuple(map(jnp.asarray, cotangents))))

        return tuple(np.asarray(y) for y in outputs), pull

    title = name or str(getattr(function, "__name__", type(function).__name__))
    return Problem(title, arguments, linearize, forward=forward, names=names)
