"""What the command `glimpses` leaves behind: a table beside the paper's, and learning curves."""

from pathlib import Path
from typing import Any

from rich.console import Console

from reference_models.cli import curves, grid, output, pictures
from reference_models.cli.glimpses.job import PAPER, TASK, Glimpses
from reference_models.cli.recall.report import errors_table


def write(task: Glimpses, folder: Path) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = grid.found(folder, TASK)
    rows = grid.table(legs)
    for row in rows:
        row["paper"] = PAPER.get((row["model"], row["units"])) if task.settings["data"] else None
    facts: dict[str, Any] = {"task": TASK, "settings": task.settings, "rows": rows, "out": str(folder),
                             "versions": output.versions()}
    output.write_csv(folder / "curves.csv", [{"model": done.leg.model, "units": done.leg.units, "seed": done.leg.seed,
                                              **point} for done in legs for point in done.curve])
    if pictures.available():
        curves.draw(folder / "curves.png", legs, title=f"{_data(facts)} in 24 glimpses, validation error in training")
    output.write_json(folder / "results.json", facts)
    return facts


def show(facts: dict[str, Any]) -> None:
    """Print to stdout."""
    console = Console()
    console.print(errors_table(f"{_data(facts)} in 24 glimpses: test error in %", facts["rows"]))
    console.print(f"written: {', '.join(sorted(path.name for path in Path(facts['out']).iterdir()))} in {facts['out']}",
                  soft_wrap=True, highlight=False)
    if not pictures.available():
        console.print(pictures.MISSING, soft_wrap=True, highlight=False, markup=False)


def _data(facts: dict[str, Any]) -> str:
    return "MNIST" if facts["settings"]["data"] else "Made-up digits"
