"""How near an output must come: derived from how far rounding can move it.

The loop oracle runs again with every operation disturbed by a random relative error of at most `UNIT`. To
first order an output moves in proportion, so the largest movement over the runs, divided by `UNIT`, is
the number of roundings that its computation amounts to. That number times the rounding of the dtype, times
a margin for the orders of summation that an implementation may choose, is the tolerance. An output that no
rounding moves (a label, a slot, a maximum) must be exact.
"""

import math
from functools import partial

import numpy as np

from refmem.conformance.case import HostArray, Inputs, Task
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.oracles.scalars import UNIT, Disturbed

RUNS = 8
MARGIN = 16.0
"""The runs see typical errors of a plain loop; a matrix product or a reciprocal square root may add some."""


class TooClose(ValueError):
    """Two outcomes of the case lie so near each other that rounding decides between them."""


def amplification(task: Task, exact: list[Inputs], runs: int = RUNS) -> dict[str, float]:
    """For each output by how many units of rounding the disturbed runs moved it, at most.

    Raises
    ------
    TooClose
        If a slot or value changed.
    """
    moved: dict[str, float] = {}
    for run in range(runs):
        adapter = LoopAdapter(scalar=partial(Disturbed, seed=run + 1))
        for expected, got in zip(exact, run_in_float64(adapter, task), strict=True):
            for name, array in got.items():
                difference = _difference(name, array, expected[name]) / UNIT
                moved[name] = max(moved.get(name, 0.0), difference)
    return moved


def tolerance(moved: float, largest: float, dtype: str) -> float:
    """The tolerance of an output, rounded up to a power of two so that it reads the same everywhere."""
    if moved == 0.0:
        return 0.0
    rounding = float(np.finfo(dtype).eps)
    return float(2.0 ** math.ceil(math.log2(MARGIN * rounding * max(moved, largest / 2))))


def run_in_float64(adapter: LoopAdapter, task: Task) -> list[Inputs]:
    """All outputs of all steps as float64, whatever the dtype of the task."""
    wide = Task(task.id, task.group, task.profile, "float64", task.config, task.state, task.params, task.steps)
    return [Inputs(step) for step in getattr(adapter, task.group)(wide)]


def _difference(name: str, one: HostArray, other: HostArray) -> float:
    if one.shape != other.shape:
        raise TooClose(f"{name} has another shape once rounding moves it")
    if one.dtype.kind == "i" and not np.array_equal(one, other):
        raise TooClose(f"{name} is another once rounding moves it")
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0))
