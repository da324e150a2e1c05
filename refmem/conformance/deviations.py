"""The deviations file: failures that are known, each with its reason.

    [[deviation]]
    case = "memory/tf2017.read.*"          # the id of a case, or a pattern
    status = "xfail"                       # or "skip"
    reason = "our top-k breaks ties the other way"
    issue = "https://..."                  # may be left out

A reason is mandatory. An entry that matches no case, or whose cases all pass, is stale, and a stale entry is an error:
otherwise the list would only ever grow.
"""

import fnmatch
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from refmem.conformance.case import Case
from refmem.conformance.verdict import Result, Verdict

DEFAULT = "refmem-deviations.toml"


@dataclass(frozen=True)
class Entry:
    """One known deviation."""

    case: str
    status: str
    reason: str
    issue: str = ""

    def concerns(self, case: Case) -> bool:
        """Whether it is about this case."""
        return fnmatch.fnmatchcase(case.id, self.case)


@dataclass(frozen=True)
class Deviations:
    """The entries of a file. The first that concerns a case counts."""

    entries: tuple[Entry, ...]
    path: str = ""

    def of(self, case: Case) -> Entry | None:
        """The entry for a case."""
        return next((entry for entry in self.entries if entry.concerns(case)), None)

    def skipped(self, case: Case) -> str | None:
        """The reason why a case is not run."""
        entry = self.of(case)
        return f"deviation: {entry.reason}" if entry is not None and entry.status == "skip" else None

    def judged(self, case: Case, verdict: Verdict) -> Verdict:
        """The verdict on a case whose failure may be known."""
        entry = self.of(case)
        if entry is None:
            return verdict
        return {Verdict.PASS: Verdict.XPASS, Verdict.FAIL: Verdict.XFAIL}.get(verdict, verdict)

    def stale(self, results: Sequence[Result]) -> list[str]:
        """A sentence for each entry that no longer holds among the cases that were run."""
        sentences = []
        for entry in self.entries:
            mine = [result for result in results if self.of(result.case) is entry]
            if not mine:
                sentences.append(f"{entry.case!r} matches no case of this run")
            elif entry.status == "xfail" and not any(r.verdict in (Verdict.XFAIL, Verdict.ERROR) for r in mine):
                sentences.append(f"{entry.case!r} is expected to fail, but nothing that it matches does")
        return sentences


def load(path: str | os.PathLike[str]) -> Deviations:
    """Read a deviations file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is not what it should be.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text()).get("deviation", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"{path} must have [[deviation]] tables, got deviation = {tables!r}")
    entries = []
    for number, table in enumerate(tables, start=1):
        where = f"deviation {number} of {path}"
        unknown = set(table) - {"case", "status", "reason", "issue"}
        if unknown:
            raise ValueError(f"{where} has a key that means nothing here: {', '.join(sorted(unknown))}")
        for key, value in table.items():
            if not isinstance(value, str):
                raise ValueError(f"{where} must have text as its {key}, got {value!r}")
        if not table.get("case", "").strip():
            raise ValueError(f"{where} names no case")
        if table.get("status") not in ("xfail", "skip"):
            raise ValueError(f"{where} must have the status 'xfail' or 'skip', got {table.get('status')!r}")
        if not table.get("reason", "").strip():
            raise ValueError(f"{where} gives no reason")
        entries.append(Entry(table["case"], table["status"], table["reason"], table.get("issue", "")))
    return Deviations(tuple(entries), str(path))
