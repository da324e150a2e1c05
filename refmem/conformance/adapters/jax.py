"""Helpers for an implementation in JAX: arrays of a task through DLPack, and gradients by `jax.vjp`."""

from collections.abc import Iterable, Iterator
from typing import Any

from refmem.conformance.adapters import answering
from refmem.conformance.adapters.answering import Function, Pull
from refmem.conformance.case import Inputs


def arrays(steps: Iterable[Inputs | None]) -> Iterator[Inputs]:
    """The inputs of each step as JAX arrays, by name; a name that the case does not have is None.

    Raises
    ------
    ValueError
        If JAX would quietly make float32 of float64: call `jax.config.update("jax_enable_x64", True)` first.
    """
    import jax
    import jax.numpy as jnp

    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined, unused-ignore]
        raise ValueError('call jax.config.update("jax_enable_x64", True) before anything else: '
                         "without it JAX has no float64 and no int64")
    for step in steps:
        yield Inputs({name: jnp.from_dlpack(array) for name, array in (step or {}).items()})


def answered(function: Function, step: Inputs, **inputs: Any) -> dict[str, Any]:
    """All outputs of a step, and the gradients that it asks for, see `answering.answered`."""
    return answering.answered(_linearized, function, step, inputs)


def _linearized(function: Function, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Pull]:
    import jax
    import jax.numpy as jnp

    outputs, pullback, others = jax.vjp(lambda moved: function(**moved), given, has_aux=True)

    def pull(cotangents: dict[str, Any]) -> dict[str, Any]:
        (slopes,) = pullback({name: jnp.reshape(cotangents[name], y.shape) if name in cotangents
                              else jnp.zeros_like(y) for name, y in outputs.items()})
        return dict(slopes)

    return outputs, others, pull
