"""The report of a check: rows, never a bare bool."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from refmem.gradcheck.verdicts import Verdict

GRADIENT = "gradient"  # the `check` of a numeric row; the others name a rule of the contract
SEVERITY = {Verdict.PASS: 0, Verdict.KINK: 1, Verdict.INCONCLUSIVE: 2, Verdict.FAIL: 3}


class GradientError(AssertionError):
    """Raised by `raise_if_failed`; its text is the report."""


@dataclass
class Row:
    """One (output, input) pair, or one rule of the contract."""

    problem: str
    dtype: str
    check: str
    verdict: Verdict
    input: str = ""
    output: str = ""
    note: str = ""  # why, in words
    floor: float | None = None  # detection floor, relative to `scale`
    scale: float | None = None  # typical element of the gradient
    method: str = ""  # how it was measured
    analytic: float | None = None  # at the worst place found
    numeric: float | None = None
    bar: float | None = None  # the error bar of `numeric`
    ulps: float | None = None  # the difference in units in the last place of `analytic`
    index: tuple[int, ...] | None = None  # the element of the input, where one was singled out
    region: str = ""  # or the block of it
    curve: list[tuple[float, float]] = field(default_factory=list, repr=False)  # (step, error) for the plot
    chosen: tuple[float, float] | None = field(default=None, repr=False)  # (step, error bar) of the answer
    cotangent: Any = field(default=None, repr=False, compare=False)  # of the output, for whoever wants to repeat it

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not finite becomes None."""
        hidden = ("curve", "chosen", "cotangent")
        facts: dict[str, Any] = {key: value for key, value in vars(self).items() if key not in hidden}
        facts["verdict"] = str(self.verdict)
        facts["index"] = None if self.index is None else list(self.index)
        return {key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in facts.items()}

    @property
    def place(self) -> str:
        """`input[index]`, or the block, or the input."""
        if self.index is not None:
            return f"{self.input}[{', '.join(map(str, self.index))}]"
        return self.region or self.input

    def __str__(self) -> str:
        pair = f"{self.output} <- {self.input}" if self.output and self.input else self.output or self.input
        head = f"{self.verdict:<12} {self.check}" + (f" {pair}" if pair else "")
        parts = []
        if self.verdict in (Verdict.PASS, Verdict.KINK) and self.floor is not None:
            parts.append(f"would have caught an error of {percent(self.floor)}")
        if self.verdict is Verdict.INCONCLUSIVE and self.floor is not None and math.isfinite(self.floor):
            parts.append(f"would only have caught an error of {percent(self.floor)}")
        if self.analytic is not None and self.numeric is not None and self.verdict is not Verdict.PASS:
            text = f"at {self.place}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g}"
            text += f" +- {self.bar:.2g}" if self.bar is not None else ""
            text += f", {self.ulps:.3g} ulps apart" if self.ulps is not None else ""
            parts.append(text)
        if self.note:
            parts.append(self.note)
        return head + (": " + "; ".join(parts) if parts else "")


@dataclass
class GradReport:
    """All rows of one check, or of several."""

    rows: list[Row]
    evaluations: int = 0
    seconds: float = 0.0
    seed: int = 0

    @property
    def failed(self) -> int:
        """Rows that FAIL."""
        return self.count(Verdict.FAIL)

    @property
    def inconclusive(self) -> int:
        """Rows that are INCONCLUSIVE."""
        return self.count(Verdict.INCONCLUSIVE)

    @property
    def verdict(self) -> Verdict:
        """The worst of the rows."""
        return max((row.verdict for row in self.rows), key=SEVERITY.__getitem__, default=Verdict.PASS)

    @property
    def floor(self) -> float | None:
        """The largest detection floor of the rows that PASS or KINK."""
        floors = [row.floor for row in self.rows
                  if row.floor is not None and row.verdict in (Verdict.PASS, Verdict.KINK)]
        return max(floors) if floors else None

    def count(self, verdict: Verdict) -> int:
        """How many rows have this verdict."""
        return sum(row.verdict is verdict for row in self.rows)

    def raise_if_failed(self, strict: bool = False) -> "GradReport":
        """Raise GradientError if a row FAILs, or with `strict` is INCONCLUSIVE; else return the report itself."""
        if self.failed or (strict and self.inconclusive):
            raise GradientError(str(self))
        return self

    def to_json(self) -> dict[str, Any]:
        """`{"rows": [...], "failed": n, "inconclusive": n, ...}`."""
        return {"rows": [row.to_json() for row in self.rows], "failed": self.failed,
                "inconclusive": self.inconclusive, "kinks": self.count(Verdict.KINK), "floor": self.floor,
                "evaluations": self.evaluations, "seconds": round(self.seconds, 3), "seed": self.seed}

    def dumps(self) -> str:
        """`to_json` as text."""
        return json.dumps(self.to_json())

    def text(self, every_row: bool = False) -> str:
        """The rows that do not PASS (or all), the worst last, and a line that sums up."""
        shown = sorted_by_severity(row for row in self.rows if every_row or row.verdict is not Verdict.PASS)
        lines = [f"{row.problem} {row.dtype}  {row}" for row in shown]
        counts = ", ".join(f"{self.count(v)} {v}" for v in Verdict if self.count(v))
        caught = f"; would have caught an error of {percent(self.floor)}" if self.floor is not None else ""
        lines.append(f"{counts or 'no rows'}{caught}; {self.evaluations} evaluations in {self.seconds:.2g} s")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def merge(reports: Iterable[GradReport]) -> GradReport:
    """Several reports as one."""
    reports = list(reports)
    return GradReport([row for report in reports for row in report.rows], sum(r.evaluations for r in reports),
                      sum(r.seconds for r in reports), reports[0].seed if reports else 0)


def sorted_by_severity(rows: Iterable[Row]) -> list[Row]:
    """The worst last; among equals, the larger disagreement last."""

    def key(row: Row) -> tuple[int, float]:
        if row.analytic is None or row.numeric is None:
            return SEVERITY[row.verdict], 0.0
        gap = abs(row.analytic - row.numeric) / (row.scale or 1.0)
        return SEVERITY[row.verdict], gap if math.isfinite(gap) else math.inf

    return sorted(rows, key=key)


def percent(share: float) -> str:
    """0.0002 as 0.02 %, and 3e-09 as it is."""
    if share == 0:
        return "any size"
    if not 1e-5 <= share < 10:
        return f"{share:.1e}"
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:.0f} %"
