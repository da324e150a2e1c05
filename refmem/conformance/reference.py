"""refmem itself, as an implementation that can be held against its own vectors."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

import refmem
from refmem.arrays import Array
from refmem.conformance.case import HostArray, Inputs, Task
from refmem.memory import PROFILES, Memory, MemoryState
from refmem.ops import (
    cgru,
    cgru_steps,
    conv2d,
    dropout,
    hard_gate,
    l2_normalize,
    linear,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
    tape_read,
    tape_write,
)

FORWARD_BACKWARD: dict[str, ModuleType] = {
    "conv2d": conv2d, "max_pool2d": max_pool2d, "relu": relu, "linear": linear, "l2_normalize": l2_normalize,
    "softmax": softmax, "softmax_cross_entropy": softmax_cross_entropy,
    "hard_gate": hard_gate, "cgru": cgru, "tape_write": tape_write, "tape_read": tape_read,
}
PROFILE_FIELDS = ("k", "alpha", "inverse_temperature", "correct_in_top", "age_noise", "recent_hint")


class Given(np.random.Generator):
    """A generator that draws the numbers of the vector."""

    def __init__(self, numbers: HostArray) -> None:
        super().__init__(np.random.PCG64(0))
        self.numbers = numbers

    def uniform(self, *args: Any, **kwargs: Any) -> Any:
        return self.numbers

    def random(self, *args: Any, **kwargs: Any) -> Any:
        return self.numbers


class GivenInTurn(np.random.Generator):
    """A generator that draws the arrays of the vector, one a call."""

    def __init__(self, numbers: HostArray) -> None:
        super().__init__(np.random.PCG64(0))
        self.numbers = iter(numbers)

    def random(self, *args: Any, **kwargs: Any) -> Any:
        return next(self.numbers)


class Reference:
    """`refmem.memory` and `refmem.ops`."""

    def describe(self) -> dict[str, Any]:
        """Everything that there is to give."""
        return {"name": "refmem", "version": refmem.__version__,
                "groups": ["memory", "dropout", "cgru_steps", *FORWARD_BACKWARD],
                "profiles": ["paper", "tf2017"], "needs": ["noise", "sources"]}

    def memory(self, task: Task) -> Iterator[dict[str, Any]]:
        """One dict of outputs a step."""
        c = task.config
        assert task.profile is not None  # a case of the memory has one
        profile = dataclasses.replace(PROFILES[task.profile], **{name: c[name] for name in PROFILE_FIELDS})
        memory = Memory(c["key_dim"], c["memory_size"], profile=profile,
                        vocab_size=c["vocab_size"] if c["recent_hint"] else None,
                        dtype=task.dtype)
        if task.state is not None:
            memory.state = MemoryState(**{name: array.copy() for name, array in task.state.items()})
        memory.params.update({name: array.copy() for name, array in task.params.items()})
        for inputs in task.steps:
            yield _step(memory, inputs, c.get("update", True))

    def dropout(self, task: Task) -> Iterator[dict[str, Any]]:
        """Dropout draws its mask from the uniform numbers of the vector."""
        (inputs,) = task.steps
        y, cache = dropout.forward(inputs["x"], task.config["keep"], Given(inputs["uniforms"]))
        yield {"y": y} | ({"d_x": dropout.backward(inputs["d_y"], cache)} if "d_y" in inputs else {})

    def cgru_steps(self, task: Task) -> Iterator[dict[str, Any]]:
        """Dropout draws a mask for each step from the uniform numbers of the vector."""
        given = Inputs(task.steps[0])
        uniforms = given.pop("uniforms", None)
        rng = None if uniforms is None else GivenInTurn(uniforms)
        bare = dataclasses.replace(task, steps=[given], config=task.config | {"rng": rng})
        return _operation(cgru_steps)(bare)

    def __getattr__(self, name: str) -> Any:
        if name in FORWARD_BACKWARD:
            return _operation(FORWARD_BACKWARD[name])
        raise AttributeError(name)


def _step(memory: Memory, inputs: Inputs, update: bool) -> dict[str, Any]:
    rng = None if inputs.noise is None else Given(inputs.noise)
    output, cache = memory.forward(inputs["queries"], inputs.labels, update=update, rng=rng, oldest=inputs.oldest,
                                   sources=inputs.sources)
    out: dict[str, Any] = {name: array for name, array in output._asdict().items() if array is not None}
    if "d_loss" in inputs or "d_confidence" in inputs:
        d_loss = 0.0 if inputs.d_loss is None else float(inputs.d_loss)
        out["d_queries"], d_params = memory.backward(cache, d_loss=d_loss, d_confidence=inputs.d_confidence)
        out |= {f"d_{name}": array for name, array in d_params.items()}
    return out | {f"state.{name}": array.copy() for name, array in memory.state.arrays().items()}


def _operation(op: ModuleType) -> Callable[[Task], Iterator[dict[str, Any]]]:
    def run(task: Task) -> Iterator[dict[str, Any]]:
        (inputs,) = task.steps
        given: dict[str, Array] = {name: array for name, array in inputs.items() if name not in ("d_y", "d_loss")}
        output, cotangent = ("loss", "d_loss") if "logits" in given else ("y", "d_y")
        y, cache = op.forward(**given, **task.config)
        out = {output: y}
        if cotangent in inputs:
            gradients = op.backward(inputs[cotangent], cache)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            names = inspect.signature(op.forward).parameters  # in the order of the gradients
            out |= {f"d_{name}": gradient for name, gradient in zip(names, gradients, strict=False)}
        yield out

    return run
