"""One implementation, one case: run it step by step and find the first thing that differs."""

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refmem.conformance.case import Case, Expect, HostArray, Inputs, Task


@dataclass(frozen=True)
class Problem:
    """The first difference of a case."""

    kind: str
    """"values", "missing", "shape", "dtype", "nan" are wrong answers; "error" and "protocol" are none at all."""
    step: int
    output: str = ""
    index: tuple[int, ...] = ()
    ours: float | int | None = None
    theirs: float | int | None = None
    tolerance: float | None = None
    ulps: float | None = None
    detail: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the implementation answered, if wrongly."""
        return self.kind not in ("error", "protocol")

    def sentence(self) -> str:
        """What happened, for people."""
        if self.kind != "values":
            return f"step {self.step}: {self.detail}"
        where = f"{self.output}[{', '.join(map(str, self.index))}]" if self.index else self.output
        allowed = "exactly" if not self.tolerance else f"within {self.tolerance:.1e}"
        off = "" if self.ulps is None else f", {self.ulps:.3g} ulps apart"
        return f"step {self.step}: {where} should be {self.ours!r} {allowed}, got {self.theirs!r}{off}"


@dataclass
class Outcome:
    """What an implementation gave for a case."""

    problem: Problem | None = None
    given: list[dict[str, HostArray]] = field(default_factory=list)
    """Its outputs, as far as it came."""


def run(implementation: Any, case: Case) -> Outcome:
    """Let an implementation do a case, and stop at the first step that differs."""
    outcome = Outcome()
    task = Task(case.id, case.group, case.profile, case.dtype, case.config,
                None if case.state is None else _copies(case.state), _copies(case.params),
                [_copies(step) for step in case.steps])
    t = 0
    try:
        produced: Any = getattr(implementation, case.group)(task)
        steps: Iterable[Any] = [produced] if isinstance(produced, Mapping) else produced
        for t, step in enumerate(steps):
            if t >= len(case.steps):
                raise ValueError(f"more than the {len(case.steps)} steps of the case were returned")
            given = {name: to_host(x) for name, x in step.items() if x is not None}
            outcome.given.append(given)
            outcome.problem = first_problem(case.expect, case.expected[t], given, t)
            if outcome.problem is not None:
                return outcome
    except (Exception, SystemExit) as error:  # whatever it raises is the implementation's answer to this case
        where = "".join(traceback.format_exception_only(error)).strip().split("\n")[0]
        kind = getattr(error, "kind", "error")
        outcome.problem = Problem(kind, t, detail=where if kind == "error" else str(error))
        return outcome
    if len(outcome.given) < len(case.steps):
        detail = f"{len(outcome.given)} steps were returned, the case has {len(case.steps)}"
        outcome.problem = Problem("error", len(outcome.given), detail=detail)
    return outcome


def first_problem(expect: Iterable[Expect], expected: Inputs, given: Mapping[str, HostArray],
                  t: int) -> Problem | None:
    """The first output of a step, in the order of the computation, that is not what it should be."""
    for e in expect:
        if e.name in given:
            problem = _compare(e, expected[e.name], given[e.name], t)
        elif e.optional:
            continue
        else:
            problem = Problem("missing", t, e.name, detail=f"{e.name} was not returned")
        if problem is not None:
            return problem
    return None


def _compare(e: Expect, ours: HostArray, theirs: HostArray, t: int) -> Problem | None:
    if theirs.shape != ours.shape:
        return Problem("shape", t, e.name, detail=f"{e.name} should have shape {ours.shape}, got {theirs.shape}")
    of_its_kind = theirs.dtype == ours.dtype if ours.dtype.kind == "f" else theirs.dtype.kind in "iu"
    if not of_its_kind:
        wanted = ours.dtype.name if ours.dtype.kind == "f" else "integers"
        return Problem("dtype", t, e.name, detail=f"{e.name} should be {wanted}, got {theirs.dtype.name}")
    if theirs.dtype.kind == "f" and not np.isfinite(theirs).all():
        index = _first(~np.isfinite(theirs))
        detail = f"{e.name}{list(index) if index else ''} is {theirs[index]}, which is not finite"
        return Problem("nan", t, e.name, index, detail=detail)
    apart = np.abs(theirs.astype(np.float64) - ours.astype(np.float64))
    if not (apart > e.tolerance).any():
        return None
    index = _first(apart > e.tolerance)
    a, b = ours[index], theirs[index]
    ulps = None if ours.dtype.kind != "f" else float(apart[index] / np.spacing(max(abs(a), abs(b))))
    return Problem("values", t, e.name, index, a.item(), b.item(), e.tolerance, ulps)


def _first(bad: HostArray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def to_host(x: Any) -> HostArray:
    """A NumPy array of an array of any library: through `__array__`, DLPack, or a torch tensor that needs detaching."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    if hasattr(x, "get") and not hasattr(x, "__array_interface__"):  # CuPy does not convert by itself
        x = x.get()
    if not hasattr(x, "__array__") and hasattr(x, "__dlpack__"):
        return np.from_dlpack(x)
    return np.asarray(x)


def _copies(arrays: Inputs) -> Inputs:
    """An implementation that writes into its inputs does not disturb the case."""
    return Inputs({name: array.copy() for name, array in arrays.items()})
