"""A report of searches that is measured piece by piece: new rows take the places of the old ones of the same cells."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from bench import measure
from refmem.storage import replacing

CELL = ("method", "m", "B", "k", "data", "cosine", "threads")
"""What makes two rows figures of the same thing."""


def merge(report: dict[str, Any], path: str) -> dict[str, Any]:
    """Put the rows of `report` into the one that is kept in `path`, or begin it. Returns it as it now stands.

    `pieces` says for each row, by its number `piece`, what made it. Raises ValueError where `path` holds something
    else, and then leaves it alone.
    """
    kept: dict[str, Any] = {"pieces": [], "rows": []}
    if Path(path).exists():
        try:
            kept = json.loads(Path(path).read_text())
            old = {tuple(row[name] for name in CELL): row for row in kept["rows"]}
            pieces = [kept["pieces"][row["piece"]] for row in old.values()]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{path} is not a report in pieces ({type(error).__name__}: {error})") from error
    else:
        old, pieces = {}, []

    piece = {"command": f"python -m bench {shlex.join(sys.argv[1:])}", "commit": measure.commit(),
             **{name: value for name, value in report.items() if name not in ("rows", "versions")}}
    made_by = dict(zip(old, pieces, strict=True)) | {tuple(row[name] for name in CELL): piece for row in report["rows"]}
    rows = old | {tuple(row[name] for name in CELL): row for row in report["rows"]}
    still = list({id(one): one for one in made_by.values()}.values())  # the pieces of which a row is left
    number = {id(one): place for place, one in enumerate(still)}
    merged = {**kept, "versions": report["versions"], "pieces": still,
              "rows": [rows[cell] | {"piece": number[id(made_by[cell])]} for cell in sorted(rows, key=order)]}
    with replacing(path) as file:
        file.write((json.dumps(merged, indent=1) + "\n").encode())
    return merged


def order(cell: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where a row stands: by memory, keys and threads, then by method."""
    method, m, batch, k, data, cosine, threads = cell
    return m, data != "random", -(cosine or 0), threads, k, batch, method
