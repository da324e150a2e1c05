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


def gradcheck(function: Callable[..., Any], vjp: Callable[..., Any], arguments: Sequence[HostArray] | HostArray, *,
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


def check_problem(problem: Problem, *, announce: Callable[[Plan], None] | None = None, **options: Any) -> GradReport:
    """`gradcheck` of a `Problem`; `options` are those of `Check`. `announce(plan)` is called before the long part."""
    check = Check(problem, **options)
    if announce is not None:
        announce(check.plan)
    return check.run()


def assert_gradients(function: Callable[..., Any] | Problem, vjp: Callable[..., Any] | None = None,
                     arguments: Sequence[HostArray] | HostArray | None = None, *, strict: bool = False,
                     **options: Any) -> GradReport:
    """For tests: run `gradcheck` (or `check_problem`, for a Problem), and raise GradientError if a row FAILs.

    `strict` raises where a row is INCONCLUSIVE, too. Returns the report.
    """
    if isinstance(function, Problem):
        if vjp is not None or arguments is not None:
            raise TypeError("a Problem has its vjp and its arguments already")
        return check_problem(function, **options).raise_if_failed(strict)
    if vjp is None or arguments is None:
        raise TypeError("a function needs its vjp and its arguments: assert_gradients(function, vjp, arguments)")
    return gradcheck(function, vjp, arguments, **options).raise_if_failed(strict)


class Check:
    """A check in two parts: the place and the plan are made at once, the long part is `run()`.

    `progress(evaluations)` is called after each evaluation; `sweep` keeps for each row what a plot needs. The other
    parameters are those of `gradcheck`.
    """

    def __init__(self, problem: Problem, *, sensitivity: float | None = None, budget: float | None = None,
                 elements: bool = False, full: bool = False, seed: int = 0, sweep: bool = False,
                 progress: Callable[[int], None] | None = None) -> None:
        if sensitivity is not None and not 0 < sensitivity < 1:
            raise ValueError(f"sensitivity must lie between 0 and 1 (1% is 0.01), got {sensitivity}")
        if budget is not None and not budget > 0:
            raise ValueError(f"budget must be a positive number of seconds, got {budget}")
        self.sensitivity, self.budget, self.elements = sensitivity, budget, elements
        self.seed, self.sweep = seed, sweep
        self.deadline = float("inf")
        self.rng = np.random.default_rng(seed)
        self.subject = Subject(problem, on_evaluation=progress)
        self.place = settle(self.subject, self.rng)
        self.plan = make_plan(problem, self.place, self.subject, elements=elements)
        if not full:
            refuse_if_too_many(self.plan)
            self.subject.most_evaluations = LIMIT

    def run(self) -> GradReport:
        """The report."""
        start = time.perf_counter()
        if self.budget is not None:
            self.deadline = min(self.deadline, start + self.budget)
        self.subject.deadline = self.deadline
        problem, subject, place, rng = self.subject.problem, self.subject, self.place, self.rng
        rows = contract_rows(subject, place, rng)
        for i, name in enumerate(problem.names):
            if name in problem.stops:
                rows.append(stop_row(problem, place, i))
            else:
                rows += ArgumentCheck(subject, place, i, rng, self.sensitivity, self.elements, self.sweep).rows()
        return GradReport(rows, subject.evaluations, time.perf_counter() - start, self.seed)
