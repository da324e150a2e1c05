"""What an experiment leaves behind, whatever its task: a table, learning curves, results as JSON."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from reference_models.cli import output, pictures
from reference_models.cli.grid import curves
from reference_models.cli.grid.experiment import Done
from reference_models.cli.grid.training import Task
from reference_models.fast_weights.cores.catalogue import TITLES


def facts_of(task: Task, legs: Iterable[Done], folder: Path) -> dict[str, Any]:
    """What every task says of an experiment; its report adds its own."""
    return {"task": task.name, "settings": task.settings, "rows": rows(legs), "out": str(folder),
            "versions": output.versions()}


def rows(legs: Iterable[Done]) -> list[dict[str, Any]]:
    """One for each model and width: the median test error of its seeds, and each of them, in percent.

    Each seed's number of updates is there too: it may have been given anew.
    """
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for done in legs:
        row = rows.setdefault((done.leg.units, done.leg.model), {
            "model": done.leg.model, "units": done.leg.units, "updates": {}, "errors": {}, "seconds": {},
            "unfinished": []})
        if done.test is None:
            row["unfinished"].append(done.leg.seed)
            continue
        row["updates"][str(done.leg.seed)] = done.saved.adam.step
        row["errors"][str(done.leg.seed)] = round(100 * done.test["error"], 3)
        row["seconds"][str(done.leg.seed)] = round(done.seconds, 1)
    for row in rows.values():
        errors = list(row["errors"].values())
        row["median_error"] = round(float(np.median(errors)), 3) if errors else None
    return list(rows.values())


def write(facts: dict[str, Any], legs: Sequence[Done], folder: Path, *, title: str) -> None:
    """The facts, and the learning curves as a table and, where matplotlib is there, as a picture with this title."""
    output.write_csv(folder / "curves.csv", [{"model": done.leg.model, "units": done.leg.units, "seed": done.leg.seed,
                                              **point} for done in legs for point in done.curve])
    if pictures.available():
        curves.draw(folder / "curves.png", legs, title=title)
    output.write_json(folder / "results.json", facts)


def table(title: str, rows: Iterable[dict[str, Any]], *, paper: str = "paper",
          shown: Callable[[float], float] = lambda error: error) -> Table:
    """One row for each width and model, as `shown` makes figures of errors; `paper` heads the paper's own."""
    table = Table(title=title)
    for column in ("units", "model", "updates", "median", "seeds", paper):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        updates = ", ".join(f"{count:,}" for count in sorted(set(row["updates"].values())))  # one number, as a rule
        seeds = ", ".join(f"{shown(error):.2f}" for error in row["errors"].values())
        stopped = f" ({len(row['unfinished'])} unfinished)" if row["unfinished"] else ""
        table.add_row(str(row["units"]), TITLES.get(row["model"], row["model"]), updates,
                      "" if row["median_error"] is None else f"{shown(row['median_error']):.2f}", seeds + stopped,
                      "" if row["paper"] is None else f"{row['paper']:.2f}")
    return table
