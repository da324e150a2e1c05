"""Helpers for an implementation in TensorFlow: tensors of a task, and gradients by a tape.

Arrays are copied in. DLPack would take the memory of NumPy as it lies, and TensorFlow ends the process when a tensor is
not aligned to 64 bytes, as slices of a stacked array seldom are.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from refmem.conformance.case import Inputs


def tensors(steps: Iterable[Inputs | None]) -> Iterator[Inputs]:
    """The inputs of each step as tensors, by name; a name that the case does not have is None."""
    import tensorflow as tf

    for step in steps:
        yield Inputs({name: tf.constant(array) for name, array in (step or {}).items()})


def answered(function: Callable[..., tuple[dict[str, Any], dict[str, Any]]], step: Inputs,
             **inputs: Any) -> dict[str, Any]:
    """All outputs of a step, and the gradients that it asks for.

    Parameters
    ----------
    function : (**inputs) -> (outputs, others)
        Outputs carry gradients, such as the loss; others do not, such as the labels that are answered.
    step : Inputs
        With a cotangent d_NAME for each output NAME that the gradients are of.
    inputs : tensors
        What to differentiate with respect to. An input that is None is left out.

    Returns
    -------
    dict
        Outputs, others, and d_NAME for each input, where the step has a cotangent.
    """
    import tensorflow as tf

    given = {name: x for name, x in inputs.items() if x is not None}
    with tf.GradientTape() as tape:
        for x in given.values():
            tape.watch(x)
        outputs, others = function(**given)
    answer = {**outputs, **others}
    wanted = [name for name in outputs if f"d_{name}" in step]
    if wanted:
        slopes = tape.gradient([outputs[name] for name in wanted], given, unconnected_gradients="zero",
                               output_gradients=[tf.reshape(step[f"d_{name}"], outputs[name].shape)
                                                 for name in wanted])
        answer |= {f"d_{name}": tf.convert_to_tensor(slope) for name, slope in slopes.items()}
    return answer
