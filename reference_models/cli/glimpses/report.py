"""What the command `glimpses` leaves behind: a table beside the paper's, and learning curves."""

from pathlib import Path
from typing import Any

from rich.console import Console

from reference_models.cli import output, pictures
from reference_models.cli.glimpses.job import PAPER, TASK, Glimpses
from reference_models.cli.grid import report
from reference_models.cli.grid.experiment import found


def write(task: Glimpses, folder: Path) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = found(folder, TASK)
    facts = report.facts_of(task, legs, folder)
    for row in facts["rows"]:
        row["paper"] = PAPER.get((row["model"], row["units"])) if task.settings["data"] else None
    report.write(facts, legs, folder, title=f"{_data(facts)} in 24 glimpses, validation error in training")
    return facts


def show(facts: dict[str, Any]) -> None:
    """Print to stdout."""
    console = Console()
    console.print(report.table(f"{_data(facts)} in 24 glimpses: test error in %", facts["rows"]))
    pictures.show_written(console, output.listed(Path(facts["out"])))


def _data(facts: dict[str, Any]) -> str:
    return "MNIST" if facts["settings"]["data"] else "Made-up digits"
