"""Which mistake gives these wrong numbers?

Every mutant is a known mistake. Where a mutant gives, on the same inputs, what the implementation gave, the mistake
is named. Then the conventions of other libraries are tried, as if the implementation had not said which it follows, and
a few simple slips on the one array that differs: a sign, a factor, a transposition.
"""

import json
from collections.abc import Iterable

import numpy as np

from refmem.conformance import compare
from refmem.conformance.adapters import conventions
from refmem.conformance.case import Case, HostArray, Inputs
from refmem.conformance.compare import Outcome, first_problem
from refmem.conformance.mutants import Mutant
from refmem.conformance.oracles.adapter import LoopAdapter

OTHER = {"paper": "tf2017", "tf2017": "paper"}


def matching_mutants(case: Case, outcome: Outcome, mutants: Iterable[Mutant]) -> tuple[str, ...]:
    """The mutants that give what the implementation gave, up to the step at which it differed."""
    if outcome.problem is None or not outcome.problem.is_answer or not outcome.given:
        return ()
    return tuple(mutant.id for mutant in mutants if mutant.concerns(case) and _same(mutant, case, outcome))


def _same(mutant: Mutant, case: Case, outcome: Outcome) -> bool:
    steps = len(outcome.given)
    begun = _first_steps(case, steps)
    theirs = compare.run(mutant.implementation(), begun)
    if theirs.problem is None or len(theirs.given) != steps:
        return False
    return _agree(case, [Inputs(step) for step in theirs.given], outcome.given)


def _agree(case: Case, mine: list[Inputs], given: list[dict[str, HostArray]]) -> bool:
    """Whether two implementations gave the same, in all that the case compares."""
    return all(first_problem([e for e in case.expect if e.name in a and not e.optional], a, b, t) is None
               for t, (a, b) in enumerate(zip(mine, given, strict=True)))


def _first_steps(case: Case, steps: int) -> Case:
    return Case(**{**vars(case), "steps": case.steps[:steps], "expected": case.expected[:steps]})


def follows_other_profile(case: Case, outcome: Outcome) -> bool:
    """Whether the implementation gave what the other profile would."""
    if case.profile is None or outcome.problem is None or not outcome.problem.is_answer or not outcome.given:
        return False
    profile = OTHER[case.profile]
    config = case.config | {"vocab_size": 1 + _largest_label(case), "recent_hint": profile == "tf2017",
                            "inverse_temperature": 40.0}
    state = case.state
    if state is not None:
        state = Inputs({name: array for name, array in state.items() if name != "recent"})
        if profile == "tf2017":
            state["values"] = np.maximum(state["values"], 0)
            state["recent"] = np.zeros(config["vocab_size"], np.int64)
    params = case.params if profile == "tf2017" else Inputs()
    begun = _first_steps(case, len(outcome.given))
    other = Case(**{**vars(begun), "profile": profile, "config": config, "state": state, "params": params})
    try:
        theirs = [Inputs(step) for step in LoopAdapter().memory(other)]
    except ValueError:  # a cotangent of the width of the other confidence
        return False
    return _agree(case, theirs, outcome.given)


def _largest_label(case: Case) -> int:
    return max((int(step["labels"].max()) for step in case.steps if "labels" in step), default=0)


def simple_slip(case: Case, outcome: Outcome) -> str | None:
    """A sign, a constant factor or a transposition of the array that differs."""
    problem = outcome.problem
    if problem is None or problem.kind not in ("values", "shape") or not outcome.given:
        return None
    ours, theirs = case.expected[problem.step][problem.output], outcome.given[-1][problem.output]
    if ours.dtype.kind != "f" or theirs.dtype.kind != "f":
        return None
    tolerance = 4 * max(e.tolerance for e in case.expect if e.name == problem.output)
    if ours.ndim >= 2 and _close(theirs.T, ours, tolerance):
        return "matches if the array is transposed"
    if ours.ndim == 4 and _close(theirs.transpose(0, 2, 3, 1), ours, tolerance):
        return "matches if the axes are moved from [B, C, H, W] to [B, H, W, C]"
    if theirs.shape != ours.shape or not np.isfinite(theirs).all():
        return None
    if theirs.size and not np.any(theirs):
        return "all elements are 0, as if nothing had been computed or no gradient had flowed"
    largest = np.unravel_index(int(np.abs(ours).argmax()), ours.shape)
    factor = float(theirs[largest]) / float(ours[largest]) if ours[largest] else 0.0
    telling = np.count_nonzero(ours) > 1 or _round(factor)  # any number is another one times a factor
    if telling and factor and abs(factor - 1) > 1e-3 \
            and _close(theirs / factor, ours, tolerance * max(1.0, abs(1 / factor))):
        return "matches if the sign is changed" if abs(factor + 1) < 1e-6 else f"matches if divided by {factor:.6g}"
    return None


def _round(factor: float) -> bool:
    """Whether a factor is -1, a whole number or one over it, as a forgotten mean or a sum over a batch make."""
    size = abs(factor)
    return size > 0 and min(abs(size - round(size)), abs(1 / size - round(1 / size))) < 1e-5 and round(max(
        size, 1 / size)) <= 1024


def undeclared_convention(case: Case, outcome: Outcome) -> str | None:
    """Another order of the same arrays, which the implementation follows without saying so.

    An implementation that keeps its arrays in another order c is c(g(c^-1(x))), where g is right.
    """
    if outcome.problem is None or not outcome.problem.is_answer or not outcome.given:
        return None
    layouts = conventions.layouts(case.group)
    begun = _first_steps(case, len(outcome.given))
    for said in conventions.candidates(layouts):
        order = conventions.Conventions(said)
        try:
            ours = [order.step(step, layouts, back=False) for step in
                    getattr(LoopAdapter(), case.group)(order.task(begun, layouts, back=True))]
        except Exception:  # shapes that do not fit that order
            continue
        if _agree(case, [Inputs(step) for step in ours], outcome.given):
            named = ", ".join(f"{name} are {order}" for name, order in said.items())
            return f'matches if {named}: let describe() say "conventions": {json.dumps(said)}'
    return None


def _close(a: HostArray, b: HostArray, tolerance: float) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance).all())
