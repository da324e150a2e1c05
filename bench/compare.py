"""Two reports side by side: what has become slower or larger by more than measurements scatter.

A time is a regression where the lower quartile of the new ratio lies above the upper quartile of the old one, and the
median has grown by more than `MARGIN` besides. Peak memory scatters little: there the margin alone decides. For a
search, recall counts: it has fallen where the two 95 % intervals do not meet. For our gradient checker, each false
alarm and each error missed above its floor counts. What was not measured, or failed, is gone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import rich.console
import rich.table

MARGIN = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench compare`."""
    parser.add_argument("old", type=Path, help="a report: what `bench models` or `bench all` printed with --json")
    parser.add_argument("new", type=Path, help="another one")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Print what changed; exit code 1 where something has become worse."""
    found = changes(figures(options.old), figures(options.new))
    worse = [change for change in found if change["verdict"] in ("worse", "gone")]
    if options.json:
        print(json.dumps({"changes": found, "regressions": len(worse)}))
    else:
        show(found, len(worse))
    return 1 if worse else 0


def figures(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    """(what, figure) -> {"value", "low", "high"}; less is better of all but recall."""
    try:
        report = json.loads(path.read_text())
        sections = report if "models" in report else {"models": report}
        found = {}
        for row in sections["models"]["rows"]:
            if "error" in row or row["ratio_to_torch"] is None:  # not measured
                continue
            what = f"{row['workload']}, {row['batch']}"
            low, high = row.get("spread", [row["ratio_to_torch"]] * 2)
            found[what, "time"] = {"value": row["ratio_to_torch"], "low": low, "high": high}
            memory = row["memory_ratio"]
            found[what, "memory"] = {"value": memory, "low": memory, "high": memory}
        for score in sections.get("gradcheck", {}).get("scores", ()):
            if score["misses_above_floor"] is not None:  # ours
                for name in ("false_alarms", "misses_above_floor"):
                    found[f"gradcheck, {score['dtype']}", name] = dict.fromkeys(("value", "low", "high"), score[name])
        for row in sections.get("neighbours", {}).get("rows", ()):
            what = ", ".join(str(row[name]) for name in ("method", "m", "B", "k", "data", "cosine", "threads"))
            found[what, "recall"] = {"value": row["recall_at_1"], "low": row["recall_at_1_low"],
                                     "high": row["recall_at_1_high"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a report of this bench ({type(error).__name__}: {error})") from error
    return found


def changes(old: dict[tuple[str, str], dict[str, float]],
            new: dict[tuple[str, str], dict[str, float]]) -> list[dict[str, Any]]:
    """A verdict on each figure of the two: "worse", "better", "same", "gone" or "added"."""
    found = []
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        verdict = "gone" if after is None else "added" if before is None else judged(key[1], before, after)
        found.append({"what": key[0], "figure": key[1], "old": before and before["value"],
                      "new": after and after["value"], "verdict": verdict})
    return found


def judged(figure: str, before: dict[str, float], after: dict[str, float]) -> str:
    """Whether `after` is worse than `before`, beyond the spread of both."""
    if figure == "recall":
        return "worse" if after["high"] < before["low"] else "better" if after["low"] > before["high"] else "same"
    if after["low"] > before["high"] and after["value"] > (1 + MARGIN) * before["value"]:
        return "worse"
    if after["high"] < before["low"] and before["value"] > (1 + MARGIN) * after["value"]:
        return "better"
    return "same"


def show(found: list[dict[str, Any]], worse: int) -> None:
    """The table for people: what changed, and how much stayed as it was or is new."""
    table = rich.table.Table("what", "figure", "old", "new", "verdict")
    for change in found:
        if change["verdict"] not in ("same", "added"):
            table.add_row(change["what"], change["figure"], *("-" if change[side] is None else f"{change[side]:.3f}"
                                                              for side in ("old", "new")), change["verdict"])
    console = rich.console.Console(width=None if sys.stdout.isatty() else 140)
    if table.row_count:
        console.print(table)
    same = sum(change["verdict"] == "same" for change in found)
    added = sum(change["verdict"] == "added" for change in found)
    console.print(f"{worse} regressions beyond the spread; {same} of {len(found)} figures the same"
                  + (f", {added} added" if added else ""), highlight=False)
