"""Helpers for an implementation in JAX: arrays of a task through DLPack, and gradients by `jax.vjp`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

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


def answered(function: Callable[..., tuple[dict[str, Any], dict[str, Any]]], step: Inputs,
             **inputs: Any) -> dict[str, Any]:
    """All outputs of a step, and the gradients that it asks for.

    Parameters
    ----------
    function : (**inputs) -> (outputs, others)
        Outputs carry gradients, such as the loss; others do not, such as the labels that are answered.
    step : Inputs
        With a cotangent d_NAME for each output NAME that the gradients are of.
    inputs : arrays
        What to differentiate with respect to. An input that is None is left out.

    Returns
    -------
    dict
        Outputs, others, and d_NAME for each input, where the step has a cotangent.
    """
    import jax
    import jax.numpy as jnp

    given = {name: x for name, x in inputs.items() if x is not None}
    outputs, pullback, others = jax.vjp(lambda moved: function(**moved), given, has_aux=True)
    cotangents = {name: step.get(f"d_{name}") for name in outputs}
    answer = {**outputs, **others}
    if any(d is not None for d in cotangents.values()):
        seeds = {name: jnp.zeros_like(y) if cotangents[name] is None else jnp.reshape(cotangents[name], y.shape)
                 for name, y in outputs.items()}
        (slopes,) = pullback(seeds)
        answer |= {f"d_{name}": slope for name, slope in slopes.items()}
    return answer
