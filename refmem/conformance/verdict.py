"""What a run says of each case, and of the whole."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from refmem.conformance.case import Case
from refmem.conformance.compare import Outcome


class Verdict(str, Enum):
    """ERROR is for no answer: the implementation raised, crashed, hung or broke the protocol."""

    PASS = "PASS"
    FAIL = "FAIL"
    SKIP = "SKIP"
    XFAIL = "XFAIL"
    XPASS = "XPASS"
    ERROR = "ERROR"


PASSED, FAILED, USAGE, STALE, ADAPTER, NOTHING = range(6)
"""Exit codes of `refmem conform`."""


@dataclass
class Result:
    """One case."""

    case: Case
    verdict: Verdict
    reason: str = ""
    outcome: Outcome | None = None
    hints: tuple[str, ...] = ()
    """Ids of the mutants, or names of the simple mistakes, that give the same wrong numbers."""
    seconds: float = 0.0


@dataclass
class Run:
    """All results of one implementation."""

    describes: dict[str, Any]
    results: list[Result]
    stale: list[str] = field(default_factory=list)
    """Entries of the deviations file that no longer hold, as sentences."""
    suspects: list[str] = field(default_factory=list)
    """Rules, the likeliest broken first."""

    def count(self, *verdicts: Verdict) -> int:
        """How many results have one of these verdicts."""
        return sum(result.verdict in verdicts for result in self.results)

    @property
    def exit_code(self) -> int:
        """No answer ranks above a wrong answer, and a wrong answer above a stale deviation."""
        if self.count(Verdict.ERROR):
            return ADAPTER
        if self.count(Verdict.FAIL):
            return FAILED
        if self.stale or self.count(Verdict.XPASS):
            return STALE
        return PASSED if self.count(Verdict.PASS, Verdict.XFAIL) else NOTHING

    def levels(self) -> dict[str, dict[str, str]]:
        """For each profile, and for the operations, each level: "pass", "fail", or "not run"."""
        table: dict[str, dict[str, str]] = {}
        for result in self.results:
            row = table.setdefault(result.case.profile or "operations", {})
            before = row.get(result.case.level, "not run")
            if result.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.XFAIL):
                row[result.case.level] = "fail"
            elif result.verdict in (Verdict.PASS, Verdict.XPASS):
                row[result.case.level] = "fail" if before == "fail" else "pass"
            else:
                row[result.case.level] = before
        return table
