"""Helpers for an implementation in TensorFlow: tensors of a task, and gradients by a tape.

Arrays are copied in. DLPack would take the memory of NumPy as it lies, and TensorFlow ends the process when a tensor is
not aligned to 64 bytes, as slices of a stacked array seldom are.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from refmem.conformance.adapters import answering
from refmem.conformance.adapters.answering import Function, Pull
from refmem.conformance.case import Inputs


def tensors(steps: Iterable[Inputs | None]) -> Iterator[Inputs]:
    """The inputs of each step as tensors, by name; a name that the case does not have is None."""
    import tensorflow as tf

    for step in steps:
        yield Inputs({name: tf.constant(array) for name, array in (step or {}).items()})


def answered(function: Function, step: Inputs, **inputs: Any) -> dict[str, Any]:
    """All outputs of a step, and the gradients that it asks for, see `answering.answered`."""
    return answering.answered(_linearized, function, step, inputs)


def _linearized(function: Function, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Pull]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        for x in given.values():
            tape.watch(x)
        outputs, others = function(**given)

    def pull(cotangents: dict[str, Any]) -> dict[str, Any]:
        slopes = tape.gradient([outputs[name] for name in cotangents], given, unconnected_gradients="zero",
                               output_gradients=[tf.reshape(d, outputs[name].shape) for name, d in cotangents.items()])
        return {name: tf.convert_to_tensor(slope) for name, slope in slopes.items()}

    return outputs, others, pull
