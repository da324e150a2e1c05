"""From a recipe to a case: the expected values, the oracles that agree on them, the tolerances.

The expected values are those of the loop oracle, counted with 50 digits and rounded once. They stand only if

- the same loops in plain floats come within the tolerance (`loops`),
- refmem, which shares no line with the loops, comes within the tolerance (`refmem`),
- the gradients fit differences of the loops' own forward pass with a step of 1e-20 (`differences-50-digits`),
- PyTorch's operation and its autograd come within the tolerance, for the operations (`torch-autograd`).

Making vectors needs mpmath and torch (the extra `vectors`). Verifying with them needs neither.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from refmem.conformance import compare
from refmem.conformance.making import torch_ops
from refmem.conformance.making.recipe import Recipe, cast
from refmem.conformance.making.tolerance import TooClose, amplification, run_in_float64, tolerance
from refmem.conformance.case import Case, Expect, HostArray, Inputs, Task
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.reference import Reference

DIGITS = 50
DTYPES = ("float64", "float32")
OPTIONAL = ("neighbours", "cosines")
CLEAR_GAP = 1e-5
"""Different cosines of one query are at least this far apart, so that float32 takes the same neighbours."""


class NoAgreement(ValueError):
    """An oracle contradicts the expected values."""


def make(recipe: Recipe, dtype: str) -> Case:
    """The case of a recipe in one dtype."""
    task = Task(
        id=f"{recipe.group}/{recipe.name}.{dtype}", group=recipe.group, profile=recipe.profile, dtype=dtype,
        config=recipe.config, state=None if recipe.state is None else Inputs(cast(recipe.state, dtype)),
        params=Inputs(cast(recipe.params, dtype)), steps=[Inputs(cast(step, dtype)) for step in recipe.steps])
    try:
        expected, expect = answered(task, recipe.check)
        case = Case(**vars(task), level=recipe.level, rules=recipe.rules, title=recipe.title, expect=expect,
                    expected=expected, flags=recipe.flags, needs=recipe.needs)
        oracles = agreeing(case)
    except (TooClose, NoAgreement) as error:
        raise type(error)(f"{task.id}: {error}") from error
    return Case(**{**vars(case), "oracles": tuple({"name": name} for name in oracles)})


def answered(task: Task, check: Iterable[str], runs: int = 8) -> tuple[list[Inputs], tuple[Expect, ...]]:
    """Expected values of every step, and how near each output must come."""
    context = fifty_digits()
    adapter = LoopAdapter(scalar=context.mpf)
    exact = run_in_float64(adapter, task)
    if adapter.smallest_gap < CLEAR_GAP:
        raise TooClose(f"two cosines of a query differ by {adapter.smallest_gap:.1e} only")
    moved = amplification(task, exact, runs)
    expect, expected = [], [Inputs() for _ in exact]
    for name in check:
        largest = max(float(np.abs(step[name]).max(initial=0.0)) for step in exact)
        expect.append(Expect(name, tolerance(moved[name], largest, task.dtype), name in OPTIONAL))
        for step, out in zip(exact, expected, strict=True):
            out[name] = step[name] if step[name].dtype.kind == "i" else step[name].astype(task.dtype)
    return expected, tuple(expect)


def agreeing(case: Case) -> list[str]:
    """The names of the oracles, once each has agreed.

    Raises
    ------
    NoAgreement
        If one does not.
    """
    names = ["loops-50-digits"]
    implementations: dict[str, Any] = {"loops": LoopAdapter(), "refmem": Reference()}
    if case.group in torch_ops.OPERATIONS:
        implementations["torch-autograd"] = torch_ops.TorchOps()
    for name, implementation in implementations.items():
        outcome = compare.run(implementation, case)
        if outcome.problem is not None:
            raise NoAgreement(f"{name} disagrees: {outcome.problem.sentence()}")
        names.append(name)
    if any(e.name.startswith("d_") for e in case.expect):
        if "Kink" not in case.flags:
            check_differences(case)
            names.append("differences-50-digits")
    return names


def check_differences(case: Case) -> None:
    """Hold <gradient, v> for one direction v a step and input against (f(x + hv) - f(x - hv)) / 2h, h = 1e-20."""
    context = fifty_digits()
    rng = np.random.default_rng(0)
    names = [e.name for e in case.expect if e.name.startswith("d_")]
    before = case.state
    for t, inputs in enumerate(case.steps):
        for name in names:
            x = name.removeprefix("d_")
            at = case.params[x] if x in case.params else inputs["queries" if x == "queries" else x]
            direction = rng.integers(-8, 9, at.shape) / 8.0
            if x == "queries":  # all cosines of a zero query are equal: moving it changes its neighbours
                direction[~at.any(axis=1)] = 0.0
            slope = float((case.expected[t][name].astype(np.float64) * direction).sum())
            measured = difference(case, before, t, x, direction, context)
            reach = float(np.abs(direction).sum()) * max(e.tolerance for e in case.expect if e.name == name)
            if abs(slope - measured) > reach + 1e-12 * abs(measured):
                raise NoAgreement(f"{name} of step {t} along a direction is {slope!r}, differences say {measured!r}")
        if len(case.steps) > 1:
            before = Inputs({n.removeprefix("state."): a for n, a in case.expected[t].items() if n[:6] == "state."})


def difference(case: Case, state: Inputs | None, t: int, x: str, direction: HostArray, context: Any) -> float:
    """The slope of the objective of step t along a direction of one input."""
    step = context.mpf("1e-20")
    values = []
    for sign in (1, -1):
        params, inputs = Inputs(case.params), Inputs(case.steps[t])
        target = params if x in params else inputs
        target[x] = target[x].copy()
        adapter = Moved(target[x], direction * float(sign), step, context.mpf)
        task = Task(case.id, case.group, case.profile, "float64", case.config, state, params, [inputs])
        (out,) = getattr(adapter, case.group)(task)
        values.append(objective(out, inputs))
    return float((values[0] - values[1]) / (2 * step))


class Moved(LoopAdapter):
    """The loops with one input, the array `at` itself, moved by `step` along `direction`."""

    def __init__(self, at: HostArray, direction: HostArray, step: Any, scalar: Any) -> None:
        super().__init__(scalar=scalar, raw=True)
        self.at, self.direction, self.step = at, direction.tolist(), step

    def scalars(self, array: HostArray) -> Any:
        """Nested lists of numbers of 50 digits."""
        lists = super().scalars(array)
        return _add(lists, self.direction, self.step) if array is self.at else lists


def objective(out: dict[str, Any], inputs: Inputs) -> Any:
    """sum over the outputs of <cotangent, output>."""
    total: Any = 0
    for name in ("y", "loss", "confidence"):
        if name in out and f"d_{name}" in inputs:
            for number, weight in zip(out[name].ravel(), inputs[f"d_{name}"].ravel(), strict=True):
                total = total + number * float(weight)
    return total


def _add(lists: Any, direction: Any, step: Any) -> Any:
    if isinstance(lists, list):
        return [_add(x, v, step) for x, v in zip(lists, direction, strict=True)]
    return lists + step * direction


def fifty_digits() -> Any:
    """A context of mpmath of its own.

    Raises
    ------
    ValueError
        If mpmath is not installed.
    """
    try:
        import mpmath
    except ImportError as error:
        raise ValueError("making vectors needs mpmath and torch: pip install 'refmem[vectors]'") from error
    context = mpmath.MPContext()
    context.dps = DIGITS
    return context
