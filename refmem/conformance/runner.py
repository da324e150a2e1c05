"""Hold one implementation against the vectors."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from refmem.conformance import compare, hints
from refmem.conformance.adapters.conventions import Conventions, translated
from refmem.conformance.adapters.protocol import AdapterFailed, Misnamed, ProtocolError
from refmem.conformance.case import Case
from refmem.conformance.deviations import Deviations
from refmem.conformance.diagnosis import suspects
from refmem.conformance.mutants import all_mutants
from refmem.conformance.verdict import Result, Run, Verdict

MOST_HINTED = 24
"""Failures whose wrong numbers are compared with those of all mutants; the rest are named by their rules."""


def conform(implementation: Any, cases: Iterable[Case], *, deviations: Deviations | None = None,
            on_result: Callable[[Result], None] | None = None) -> Run:
    """Run every case and say what is wrong, if anything is.

    Parameters
    ----------
    implementation : object
        With `describe()` and a method for each group it implements.
    cases : iterable of Case
    deviations : Deviations, optional
        Which failures are known.
    on_result : callable, optional
        Called with each result as it comes.
    """
    describes = described(implementation)
    implementation = translated(implementation, describes)
    results = []
    for case in cases:
        results.append(one(implementation, describes, case, deviations))
        if on_result is not None:
            on_result(results[-1])
    return concluded(describes, results, deviations)


def described(implementation: Any) -> dict[str, Any]:
    """What the implementation says of itself.

    Raises
    ------
    AdapterFailed
        If it says nothing that can be understood.
    """
    try:
        said = {**implementation.describe()}
        for name in ("groups", "profiles", "levels", "dtypes", "needs"):
            if name in said or name == "groups":
                said[name] = _words(name, said[name])
        Conventions(said.get("conventions") or {})
        return said
    except (ProtocolError, AdapterFailed, Misnamed, OSError):  # a runner that is not there, or crashed
        raise
    except (Exception, SystemExit) as error:  # whatever it raises, it has not said what it is
        raise AdapterFailed("the implementation must have a method describe() that returns a dict with at least "
                            "'groups', a list of the groups that it implements "
                            f"({type(error).__name__}: {error})") from error


def _words(name: str, said: Any) -> list[str]:
    if isinstance(said, str) or not all(isinstance(word, str) for word in said):
        raise TypeError(f"{name!r} must be a list of words, got {said!r}")
    return list(said)


def one(implementation: Any, describes: dict[str, Any], case: Case, deviations: Deviations | None = None) -> Result:
    """The verdict on one case."""
    excuse = why_skipped(describes, case) or (deviations.skipped(case) if deviations else None)
    if excuse is not None:
        return Result(case, Verdict.SKIP, excuse)
    start = time.perf_counter()
    outcome = compare.run(implementation, case)
    seconds = time.perf_counter() - start
    problem = outcome.problem
    if problem is None:
        verdict, reason = Verdict.PASS, ""
    else:
        verdict = Verdict.FAIL if problem.is_answer else Verdict.ERROR
        reason = problem.sentence()
    if deviations is not None:
        verdict = deviations.judged(case, verdict)
    return Result(case, verdict, reason, outcome, seconds=seconds)


def why_skipped(describes: dict[str, Any], case: Case) -> str | None:
    """Why the implementation need not do this case, or None."""
    if case.group not in describes["groups"]:
        return f"the implementation has no {case.group}"
    profiles = describes.get("profiles")
    if case.profile is not None and profiles is not None and case.profile not in profiles:
        return f"the implementation does not follow {case.profile}"
    for name, wanted in (("levels", case.level), ("dtypes", case.dtype)):
        if name in describes and wanted not in describes[name]:
            return f"the implementation does not do {wanted}"
    for need in case.needs:
        if need not in describes.get("needs", ()):
            return f"the implementation does not take {need}"
    return None


def concluded(describes: dict[str, Any], results: Sequence[Result], deviations: Deviations | None) -> Run:
    """The run with its hints, its suspects and its stale deviations."""
    mutants = all_mutants()
    failed = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.XFAIL)]
    for result in failed[:MOST_HINTED]:
        assert result.outcome is not None  # it failed
        result.hints = found_hints(result, mutants)
    ranked = suspects(failed[:MOST_HINTED] + [r for r in results if r.verdict == Verdict.PASS],
                      {mutant.id: mutant.rule for mutant in mutants})
    stale = [] if deviations is None else deviations.stale(results)
    return Run(describes, list(results), stale, ranked)


def found_hints(result: Result, mutants: Sequence[Any]) -> tuple[str, ...]:
    """Everything that is known to give these wrong numbers."""
    assert result.outcome is not None  # only results of a case that ran are hinted at
    found = list(hints.matching_mutants(result.case, result.outcome, mutants))
    if hints.follows_other_profile(result.case, result.outcome):
        found.append(f"follows-{hints.OTHER[str(result.case.profile)]}")
    for told in (hints.undeclared_convention, hints.simple_slip):
        hint = told(result.case, result.outcome)
        found += [hint] if hint else []
    return tuple(found)
