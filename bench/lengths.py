"""How far a Neural GPU reaches, against the length that it was trained to: runs of `algorithms`, side by side."""

import argparse
import json
from pathlib import Path
from typing import Any

from bench import plots


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench lengths`."""
    parser.add_argument("results", type=Path, nargs="+", metavar="FILE",
                        help="results.json of runs of `python -m reference_models algorithms`, of one task")
    parser.add_argument("--plot", metavar="DIR", help="draw lengths.png into it (needs the extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of lines")


def main(options: argparse.Namespace) -> int:
    """Read, print, draw. Raises ValueError or OSError with a sentence."""
    plots.check(options.plot)
    rows = sorted((row(path) for path in options.results), key=lambda one: (one["trained_to"], one["seed"]))
    tasks = {one["task"] for one in rows}
    if len(tasks) > 1:
        raise ValueError(f"the runs must be of one task, got {', '.join(sorted(tasks))}")
    if options.plot is not None:
        plots.lengths(rows, options.plot)
    if options.json:
        print(json.dumps({"rows": rows}))
        return 0
    for one in rows:
        far = ", ".join(f"{there['share']:.1%} of {there['sequences']} {there['kind']} at {there['length']}"
                        for there in one["beyond"])
        print(f"{one['task']} to {one['trained_to']}, seed {one['seed']}, dropout {one['dropout']:g}: "
              f"{one['errors']} wrong of {one['sequences']} at trained lengths; {far}")
    return 0


def row(path: Path) -> dict[str, Any]:
    """What one run came to."""
    try:
        facts = json.loads(path.read_text())
        trained = facts["trained"]
        return {"task": facts["task"], "trained_to": trained["longest"], "seed": facts["seed"],
                "dropout": facts["recipe"]["dropout"],
                "updates": facts["updates"], "seconds": facts["seconds"], "sequences": trained["sequences"],
                "errors": trained["errors"], "at_longest": trained["by_length"][-1], "beyond": facts["beyond"]}
    except (json.JSONDecodeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is no result of `algorithms`: {error!r}") from error
