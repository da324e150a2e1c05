"""From a recipe to a case: the expected values, the oracles that agree on them, the tolerances.

The expected values are those of the loop oracle, counted with 50 digits and rounded once. They stand only if

- the same loops in the dtype of the case come within the first-order bound of rounding, in whatever order they add
  up (`loops`),
- an implementation that shares no code with the loops does, in the dtype of the case: for the memory array code in long
  double (`arrays-long-double`) with gradients by the complex step (`complex-step`), for an operation PyTorch's own and
  its autograd (`torch-autograd`), for any other group the `second` that it names,
- refmem does (`refmem`), which counts for nothing where two oracles are asked for,
- the gradients fit differences of the loops' own forward pass with a step of 1e-20 (`differences-50-digits`).

Making vectors needs mpmath and torch (the extra `vectors`). Verifying with them needs neither.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from refmem.conformance import compare
from refmem.conformance.case import Case, Expect, HostArray, Inputs, Task
from refmem.conformance.groups import groups
from refmem.conformance.making import tolerance
from refmem.conformance.making.recipe import Recipe, cast
from refmem.conformance.making.independence import independent
from refmem.conformance.making.tolerance import Reach, TooClose, run_in_float64
from refmem.conformance.making.in_torch.ops import TorchOperation
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.reference import Reference
from refmem.conformance.second_oracle import SecondOracle

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
        exact = exactly(task)
        bounds = tolerance.first_order(task, exact, recipe.check)
        machines = list(tolerance.reordered(task).values())
        for machine in machines:
            check("loops", machine, exact, bounds)
        others = {name: answered(name, implementation, task)
                  for name, implementation in implementations(recipe.group, dtype).items()}
        for name, run in others.items():
            check(name, run, exact, bounds)
        expect = tuple(expected_of(name, bounds[name], machines, [*machines, *others.values()])
                       for name in recipe.check)
        case = Case(**vars(task), level=recipe.level, rules=recipe.rules, title=recipe.title, expect=expect,
                    expected=[_rounded(step, recipe.check, dtype) for step in exact], flags=recipe.flags,
                    needs=recipe.needs)
        oracles = ["loops-50-digits", "loops", *others]
        if any(name.startswith("d_") for name in recipe.check):
            if recipe.group == "memory":
                oracles.append("complex-step")
            if "Kink" not in recipe.flags:
                check_differences(case)
                oracles.append("differences-50-digits")
        if not independent(oracles, recipe.group, recipe.profile):
            raise NoAgreement("no two of its oracles are independent of each other")
    except (TooClose, NoAgreement) as error:
        raise type(error)(f"{task.id}: {error}") from error
    return Case(**{**vars(case), "oracles": tuple({"name": name} for name in oracles)})


def exactly(task: Task) -> list[Inputs]:
    """The outputs of every step, counted with 50 digits and rounded to float64.

    Raises
    ------
    TooClose
        If the nearest of two neighbours is a matter of rounding.
    """
    adapter = LoopAdapter(scalar=fifty_digits().mpf)
    exact = run_in_float64(adapter, task)
    if adapter.smallest_gap < CLEAR_GAP:
        raise TooClose(f"two cosines of a query differ by {adapter.smallest_gap:.1e} only")
    return exact


class Second:
    """The second oracle of a group that is no operation, as an implementation."""

    def __init__(self, group: str, run: Any) -> None:
        setattr(self, group, run)


def implementations(group: str, dtype: str) -> dict[str, Any]:
    """What must agree with the loops, by its name as an oracle."""
    found: dict[str, Any] = {"refmem": Reference()}
    if group == "memory":
        return found | {"arrays-long-double": SecondOracle(), "arrays": SecondOracle(dtype)}
    known = groups()[group]
    if known.torch is not None:
        found["torch-autograd"] = TorchOperation(known)
    if known.second is not None:
        found["second"] = Second(group, known.second)
    return found


def answered(name: str, implementation: Any, task: Task) -> list[dict[str, HostArray]]:
    """The outputs of every step of an implementation.

    Raises
    ------
    NoAgreement
        If it has no answer.
    """
    outcome = compare.run(implementation, Case(**vars(task), level="L1", rules=("none",), title="", expect=(),
                                               expected=[Inputs() for _ in task.steps]))
    if outcome.problem is not None:
        raise NoAgreement(f"{name} has no answer: {outcome.problem.sentence()}")
    return outcome.given


def check(who: str, run: Sequence[Any], exact: Sequence[Inputs], bounds: dict[str, float]) -> None:
    """Hold a run against the exact values.

    Raises
    ------
    NoAgreement
        If it lies further off than rounding can explain.
    """
    for t, (given, wanted) in enumerate(zip(run, exact, strict=True)):
        for name, bound in bounds.items():
            if name not in given:
                raise NoAgreement(f"{who} does not give {name}")
            off = tolerance.apart(name, np.asarray(given[name]), wanted[name])
            if not off <= bound:
                raise NoAgreement(f"{who} disagrees: {name} of step {t} is off by {off:.2e}, and rounding explains "
                                  f"{bound:.2e}")


def expected_of(name: str, bound: float, machines: Sequence[Any], runs: Sequence[Any]) -> Expect:
    """The tolerance of one output. What other libraries add to the spread depends on the machine: it is not stored."""
    reach = Reach(bound, tolerance.spread(runs, name))
    stored = tolerance.spread(machines, name)
    return Expect(name, reach.tolerance, name in OPTIONAL, float(f"{bound:.3g}"), float(f"{stored:.3g}"))


def _rounded(step: Inputs, names: Iterable[str], dtype: str) -> Inputs:
    return Inputs({name: step[name] if step[name].dtype.kind == "i" else step[name].astype(dtype) for name in names})


def check_differences(case: Case) -> None:
    """Hold <gradient, v> for one direction v a step and input against (f(x + hv) - f(x - hv)) / 2h, h = 1e-20."""
    context = fifty_digits()
    rng = np.random.default_rng(0)
    names = [e.name for e in case.expect if e.name.startswith("d_")]
    before = case.state
    for t, inputs in enumerate(case.steps):
        for name in names:
            x = name.removeprefix("d_")
            at = case.params[x] if x in case.params else inputs[x]
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
    for name, cotangent in inputs.items():
        if name.startswith("d_") and name.removeprefix("d_") in out:
            output = out[name.removeprefix("d_")]
            for number, weight in zip(output.ravel(), cotangent.ravel(), strict=True):
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
