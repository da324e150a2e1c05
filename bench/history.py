"""The history of what was measured: a file of JSON lines, one a run, that only grows."""

import json
from pathlib import Path
from typing import Any

KEPT = ("date", "commit", "versions", "load", "warnings", "seed", "rounds", "threads")
FIGURES = ("workload", "batch", "ms", "torch_ms", "ratio_to_torch", "spread", "memory_ratio", "peak_mib")


def check(path: str | None) -> None:
    """Raise ValueError unless the file could be written, before minutes are spent; None or an empty name is no file."""
    if path and not Path(path).parent.is_dir():
        raise ValueError(f"--history must be a file in a folder that exists, got {path}")


def append(path: str, report: dict[str, Any]) -> None:
    """Add the ratios of a report of `python -m bench models` to the file. Raises OSError where it cannot be written."""
    line = {name: report.get(name) for name in KEPT}
    line["rows"] = [{name: row.get(name) for name in FIGURES} for row in report["rows"]]
    with Path(path).open("a") as file:
        file.write(json.dumps(line) + "\n")


def read(path: str) -> list[dict[str, Any]]:
    """The runs, oldest first. Raises ValueError where a line is not one of ours."""
    runs = []
    for number, text in enumerate(Path(path).read_text().splitlines(), start=1):
        try:
            run = json.loads(text)
            run["rows"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"line {number} of {path} is not a run that was measured ({error})") from error
        runs.append(run)
    return runs
