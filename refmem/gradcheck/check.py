"""The check of a whole problem, and the order of its steps.

1. The rules of the contract (`contract_rows`), and the place itself (`place`).
2. For each argument, walks along random directions, more until the detection floor is below the sensitivity asked
   for. One walk serves all outputs.
3. Where directions do not get there and the argument is small, each element by itself.
4. A disagreement is measured twice more with other steps before anyone is accused; then kinks are looked
   for, and what is left is a FAIL, located by bisection (`examine`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refmem.gradcheck.argument import ArgumentCheck
from refmem.gradcheck.contract_rows import contract_rows, stop_row
from refmem.gradcheck.place import settle
from refmem.gradcheck.plan import LIMIT, Plan, make_plan, refuse_if_too_many
from refmem.gradcheck.problem import HostArray, Problem, Subject, from_vjp
from refmem.gradcheck.report import GradReport


def gradcheck(function: Callable[..., Any], vjp: Callable[..., Any], arguments: Sequence[HostArray], *,
              name: str | None = None, names: tuple[str, ...] = (), stops: Sequence[str] = (),
              holomorphic: bool = False, sensitivity: float | None = None, budget: float | None = None,
              elements: bool = False, full: bool = False, seed: int = 0) -> GradReport:
    """Check a backward pass against slopes measured with an error bar.

    Parameters
    ----------
    function : `function(*arguments) -> array or tuple of arrays`
    vjp : `vjp(cotangent, *arguments) -> gradient or tuple of gradients`
        `cotangent` is a tuple where the function has more than one output.
    arguments : arrays of float32 or float64
    names : of the arguments, for the report.
    stops : names of arguments declared to carry no gradient: theirs must be None or zero.
    holomorphic : the function takes complex arguments too and is analytic; complex steps replace differences.
    sensitivity : the smallest relative error of a gradient element that has to be noticed, e.g. 0.01.
        By default 1e-2 where a float32 is involved and 1e-6 otherwise.
    budget : seconds; what could not be checked in them is INCONCLUSIVE.
    elements : walk along every element by itself, whatever directions say.
    full : lift the limit of a million evaluations.
    seed : of directions and cotangents.

    Returns
    -------
    GradReport

    Raises
    ------
    ProblemRefused
        One sentence: integer arguments, NaN in the output, the wrong number or shape of gradients, a function that
        raises, too many evaluations.
    """
    problem = from_vjp(function, vjp, arguments, name=name, names=tuple(names), stops=frozenset(stops),
                       holomorphic=holomorphic)
    return check_problem(problem, sensitivity=sensitivity, budget=budget, elements=elements, full=full,
                         seed=seed)


def check_problem(problem: Problem, *, sensitivity: float | None = None, budget: float | None = None,
                  elements: bool = False, full: bool = False, seed: int = 0,
                  announce: Callable[[Plan], None] | None = None, progress: Callable[[int], None] | None = None) -> GradReport:
    """`gradcheck` of a `Problem`. `announce(plan)` is called before the long part, `progress(evaluations)` during."""
    if sensitivity is not None and not 0 < sensitivity < 1:
        raise ValueError(f"sensitivity must lie between 0 and 1 (1% is 0.01), got {sensitivity}")
    if budget is not None and not budget > 0:
        raise ValueError(f"budget must be a positive number of seconds, got {budget}")
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    subject = Subject(problem, on_evaluation=progress)
    if budget is not None:
        subject.deadline = start + budget

    if not full:
        subject.most_evaluations = LIMIT
    place = settle(subject, rng)
    rows = contract_rows(subject, place, rng)
    plan = make_plan(problem, place, subject, elements=elements)
    refuse_if_too_many(plan, full)
    if announce is not None:
        announce(plan)
    for i, name in enumerate(problem.names):
        if name in problem.stops:
            rows.append(stop_row(problem, place, i))
        else:
            rows += ArgumentCheck(subject, place, i, rng, sensitivity, elements).rows()
    return GradReport(rows, subject.evaluations, time.perf_counter() - start, seed)
