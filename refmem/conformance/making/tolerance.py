"""How near an output must come: derived from what rounding can do to it.

Three things are measured for each output of a case and dtype.

1. `bound`: how far rounding can move it, to first order and at worst, in any order of summation (`oracles/bounded.py`),
   times the unit roundoff of the dtype, plus half a unit in the last place of the largest element: the expected values
   are rounded to the dtype themselves.
2. `spread`: the largest difference between any two runs in the dtype that add up in other orders, fuse, or multiply by
   reciprocals (`oracles/rounded.py`).
3. The spread once more with the independent oracles among the runs, each in the dtype of the case.

Every run must lie within `bound` of the exact values: an oracle that does not is wrong, or the bound is, and no vector
is made. The tolerance is the larger of bound and spread, rounded up to a power of two. What rounding cannot move (a
label, a slot, a maximum) has bound 0 and must be exact.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.oracles.bounded import Bounded, bounds
from refmem.conformance.oracles.rounded import machines


class TooClose(ValueError):
    """Two outcomes of the case lie so near each other that rounding decides between them."""


@dataclass(frozen=True)
class Reach:
    """How far right implementations may lie from the exact values of one output, and from each other."""

    bound: float
    spread: float

    @property
    def tolerance(self) -> float:
        """A power of two, so that it reads the same everywhere."""
        largest = max(self.bound, self.spread)
        return 0.0 if largest == 0.0 else float(2.0 ** math.ceil(math.log2(largest)))


def first_order(task: Task, exact: Sequence[Inputs], check: Iterable[str]) -> dict[str, float]:
    """For each output how far rounding can move its elements from the expected values, at worst."""
    names = list(check)
    steps = [Inputs(step) for step in getattr(LoopAdapter(scalar=Bounded, raw=True), task.group)(task)]
    where = [(name, x) for step in steps for name in names if step[name].dtype == object for x in step[name].ravel()]
    moved = bounds([x for _, x in where])
    most = dict.fromkeys(names, 0.0)
    for (name, _), bound in zip(where, moved, strict=True):
        most[name] = max(most[name], float(bound))
    u = float(np.finfo(task.dtype).eps) / 2
    return {name: u * (bound + _rounded_themselves(exact, name, task.dtype)) for name, bound in most.items()}


def _rounded_themselves(exact: Sequence[Inputs], name: str, dtype: str) -> float:
    """The largest element that the dtype has to round."""
    if exact[0][name].dtype.kind != "f":
        return 0.0
    return max((float(abs(x)) for step in exact for x in step[name].ravel() if float(np.dtype(dtype).type(x)) != x),
               default=0.0)


def reordered(task: Task) -> dict[str, list[Inputs]]:
    """The outputs of the loops, added up in other orders, as float64."""
    runs = {}
    for machine in machines(task.dtype):
        name = " ".join([machine.order, *(word for word in ("fused", "reciprocal") if getattr(machine, word))])
        runs[name] = run_in_float64(LoopAdapter(scalar=machine), task)
    return runs


def apart(name: str, one: HostArray, other: HostArray) -> float:
    """The largest difference of an output of two runs.

    Raises
    ------
    TooClose
        If a slot, a value or a shape is another.
    """
    if one.shape != other.shape:
        raise TooClose(f"{name} has another shape once rounding moves it")
    if one.dtype.kind == "i" and not np.array_equal(one, other):
        raise TooClose(f"{name} is another once rounding moves it")
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0))


def spread(runs: Sequence[Sequence[Any]], name: str) -> float:
    """The largest difference between any two runs, in any element of any step."""
    widest = 0.0
    for step in zip(*runs, strict=True):
        given = np.stack([np.asarray(outputs[name], np.float64) for outputs in step])
        widest = max(widest, float((given.max(axis=0) - given.min(axis=0)).max(initial=0.0)))
    return widest


def run_in_float64(adapter: LoopAdapter, task: Task) -> list[Inputs]:
    """All outputs of all steps as float64, whatever the dtype of the task."""
    wide = Task(task.id, task.group, task.profile, "float64", task.config, task.state, task.params, task.steps)
    return [Inputs(step) for step in getattr(adapter, task.group)(wide)]
