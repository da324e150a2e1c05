"""The operations of the Neural GPU: gate, cell, steps, and its output tape.

Their loops, recipes and mutants have files of their own, in the rooms of those.
"""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Task
from refmem.conformance.groups import Group
from refmem.conformance.making.in_torch import neural_gpu as in_torch
from refmem.conformance.making.recipes.neural_gpu import recipes
from refmem.conformance.oracles.neural_gpu import Loops


class GivenInTurn(np.random.Generator):
    """A generator that draws the arrays of the vector, one a call."""

    def __init__(self, numbers: HostArray) -> None:
        super().__init__(np.random.PCG64(0))
        self.numbers = iter(numbers)

    def random(self, *args: Any, **kwargs: Any) -> Any:
        """The next array."""
        return next(self.numbers)


def cgru_steps(task: Task) -> Iterator[dict[str, Any]]:
    """refmem draws a mask for each step from the uniform numbers of the vector."""
    from refmem.ops import cgru_steps as op

    given: dict[str, Any] = dict(task.steps[0])
    d_y, uniforms = given.pop("d_y", None), given.pop("uniforms", None)
    rng = None if uniforms is None else GivenInTurn(uniforms)
    y, cache = op.forward(**given, **task.config, rng=rng)
    out = {"y": y}
    if d_y is not None:
        names = inspect.signature(op.forward).parameters  # in the order of the gradients
        out |= {f"d_{name}": gradient for name, gradient in zip(names, op.backward(d_y, cache), strict=False)}
    yield out


GROUPS = (
    Group("hard_gate", Loops, torch=in_torch.hard_gate),
    Group("cgru", Loops, torch=in_torch.cgru),
    Group("cgru_steps", Loops, constants=("uniforms",), torch=in_torch.cgru_steps, reference=cgru_steps),
    Group("tape_write", Loops, torch=in_torch.tape_write),
    Group("tape_read", Loops, torch=in_torch.tape_read),
)

importlib.import_module("refmem.conformance.mutants.neural_gpu")

__all__ = ["GROUPS", "recipes"]
