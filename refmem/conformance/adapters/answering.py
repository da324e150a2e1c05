"""What a step of a task is answered with, in any framework that differentiates functions."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from refmem.conformance.case import Inputs

Function: TypeAlias = Callable[..., tuple[dict[str, Any], dict[str, Any]]]
"""(**inputs) -> (outputs, others). Outputs carry gradients, such as the loss; others do not, such as the labels that
are answered."""

Pull: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Cotangents of some outputs, by the names of these -> gradients of all inputs, by the names of those."""

Linearize: TypeAlias = Callable[[Function, dict[str, Any]], tuple[dict[str, Any], dict[str, Any], Pull]]
"""A framework's own way to differentiate: (function, inputs) -> (outputs, others, pull)."""


def answered(linearize: Linearize, function: Function, step: Inputs, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """All outputs of a step, and the gradients that it asks for.

    Parameters
    ----------
    linearize : (function, inputs) -> (outputs, others, pull)
    function : (**inputs) -> (outputs, others)
    step : Inputs
        With a cotangent d_NAME for each output NAME that the gradients are of.
    inputs : arrays by name
        What to differentiate with respect to. An input that is None is left out.

    Returns
    -------
    dict
        Outputs, others, and d_NAME for each input, where the step has a cotangent.
    """
    given = {name: x for name, x in inputs.items() if x is not None}
    outputs, others, pull = linearize(function, given)
    cotangents = {name: step[f"d_{name}"] for name in outputs if f"d_{name}" in step}
    slopes = pull(cotangents) if cotangents else {}
    return {**outputs, **others, **{f"d_{name}": slope for name, slope in slopes.items()}}
