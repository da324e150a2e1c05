"""A run as JSON lines: one header, one line a case, one footer. Nothing in it is lost when the run is stopped."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import refmem
from refmem.conformance.case import SCHEMA
from refmem.conformance.verdict import Result, Run, Verdict
from refmem.storage import FileRefused


def header(describes: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """What made the figures below."""
    return {"record": "header", "refmem": refmem.__version__, "vectors": SCHEMA, "implementation": describes,
            "numpy": np.__version__, "python": sys.version.split()[0], "platform": platform.platform(),
            "settings": settings}


def case_line(result: Result) -> dict[str, Any]:
    """One case."""
    case, outcome = result.case, result.outcome
    line: dict[str, Any] = {"record": "case", "id": case.id, "rule": case.rule, "rules": list(case.rules),
                            "level": case.level, "profile": case.profile, "dtype": case.dtype,
                            "verdict": result.verdict.value, "reason": result.reason, "hints": list(result.hints),
                            "seconds": round(result.seconds, 6)}
    if outcome is not None and outcome.problem is not None:
        problem = vars(outcome.problem)
        line["problem"] = {name: list(x) if isinstance(x, tuple) else x for name, x in problem.items()}
    return line


def footer(run: Run) -> dict[str, Any]:
    """The whole."""
    return {"record": "footer", "counts": {verdict.value: run.count(verdict) for verdict in Verdict},
            "levels": run.levels(), "suspects": run.suspects, "stale": run.stale, "exit_code": run.exit_code}


def lines(run: Run, settings: dict[str, Any]) -> Iterator[str]:
    """All lines."""
    yield json.dumps(header(run.describes, settings))
    for result in run.results:
        yield json.dumps(case_line(result))
    yield json.dumps(footer(run))


def unfinished(results: list[Result], settings: dict[str, Any]) -> Iterator[str]:
    """The lines of a run that was stopped: no footer."""
    yield json.dumps(header({}, settings))
    for result in results:
        yield json.dumps(case_line(result))


def read(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The records of a report.

    Raises
    ------
    FileRefused
        If it is no report.
    """
    try:
        records = [json.loads(line) for line in Path(path).read_text().splitlines() if line.strip()]
        if not records or records[0].get("record") != "header":
            raise ValueError("its first line is no header")
    except (ValueError, AttributeError, UnicodeDecodeError) as error:
        raise FileRefused(f"{path} is not a report of refmem conform: {error}") from error
    return records
