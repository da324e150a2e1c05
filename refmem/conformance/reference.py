"""refmem itself, as an implementation that can be held against its own vectors."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import refmem
from refmem.arrays import Array, ArrayModule, module_of
from refmem.conformance.case import HostArray, Inputs, Task
from refmem.conformance.groups import Group, groups
from refmem.memory import PROFILES, Memory, MemoryState

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


class Reference:
    """`refmem.memory` and `refmem.ops`.

    Parameters
    ----------
    xp : module
        `numpy`, or `cupy` where the cases are answered on the GPU.
    """

    xp: ArrayModule = np  # of a subclass that does not ask for one, too

    def __init__(self, xp: ArrayModule = np) -> None:
        self.xp = xp

    def describe(self) -> dict[str, Any]:
        """Everything that there is to give."""
        return {"name": "refmem", "version": refmem.__version__, "groups": ["memory", *groups()],
                "profiles": ["paper", "tf2017"], "needs": ["noise", "sources", "exact"]}

    def memory(self, task: Task) -> Iterator[dict[str, Any]]:
        """One dict of outputs a step."""
        c = task.config
        assert task.profile is not None  # a case of the memory has one
        profile = dataclasses.replace(PROFILES[task.profile], **{name: c[name] for name in PROFILE_FIELDS})
        memory = Memory(c["key_dim"], c["memory_size"], profile=profile,
                        vocab_size=c["vocab_size"] if c["recent_hint"] else None,
                        dtype=task.dtype, xp=self.xp)
        task = _moved(task, self.xp)
        if task.state is not None:
            memory.state = MemoryState(**task.state)
        memory.params.update(task.params)
        for inputs in task.steps:
            yield _step(memory, inputs, c.get("update", True))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in groups():
            raise AttributeError(name)
        group = groups()[name]
        run = group.reference or _operation(group)
        return lambda task: run(_moved(task, self.xp))


DRAWN = ("noise", "uniforms")
"""Inputs that stand for random numbers: these are drawn on the host."""


def _moved(task: Task, xp: ArrayModule) -> Task:
    """The task with copies of its arrays, as arrays of `xp`."""
    def moved(arrays: Inputs) -> Inputs:
        return Inputs({name: array.copy() if name in DRAWN else xp.asarray(array.copy())
                       for name, array in arrays.items()})

    return Task(task.id, task.group, task.profile, task.dtype, task.config,
                None if task.state is None else moved(task.state), moved(task.params),
                [moved(step) for step in task.steps])


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


def _operation(group: Group) -> Callable[[Task], Iterator[dict[str, Any]]]:
    op = importlib.import_module(f"refmem.ops.{group.name}")

    def run(task: Task) -> Iterator[dict[str, Any]]:
        (inputs,) = task.steps
        cotangents = [f"d_{name}" for name in group.outputs]
        given: dict[str, Array] = {name: array for name, array in inputs.items() if name not in cotangents}
        produced, cache = op.forward(**given, **task.config)
        outputs = produced if isinstance(produced, tuple) else (produced,)
        out = dict(zip(group.outputs, outputs, strict=True))
        if any(name in inputs for name in cotangents):
            d_outputs = [inputs[name] if name in inputs else module_of(y).zeros_like(y)
                         for name, y in zip(cotangents, outputs, strict=True)]
            gradients = op.backward(*d_outputs, cache)
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            names = inspect.signature(op.forward).parameters  # in the order of the gradients
            out |= {f"d_{name}": gradient for name, gradient in zip(names, gradients, strict=False)}
        yield out

    return run
