"""What the command `faces` leaves behind: a table beside the paper's, learning curves, and some of the faces."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from refmem.arrays import Array

from reference_models.cli import output, pictures
from reference_models.cli.faces.job import PAPER, TASK, FaceTask
from reference_models.cli.grid import report
from reference_models.cli.grid.experiment import found
from reference_models.tasks.faces.expressions import EXPRESSIONS, Faces, as_pixels

AT_ONCE = 500


def write(task: FaceTask, folder: Path) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = found(folder, TASK)
    facts = report.facts_of(task, legs, folder)
    for row in facts["rows"]:
        row["accuracy"] = {seed: round(100 - error, 3) for seed, error in row["errors"].items()}
        row["paper"] = PAPER.get(row["model"]) if row["units"] == 200 else None
    facts |= {"data": task.split.name, "nearest": round(100 * nearest(task.split.train, task.split.test), 2)}
    if pictures.available():
        sheet(folder / "faces.png", task.split.test, title=task.split.name)
    report.write(facts, legs, folder, title="expressions, error on people watched while training")
    return facts


def nearest(train: Faces, test: Faces) -> float:
    """Share of test pictures whose nearest picture to learn from, pixel by pixel, shows the same expression."""
    known = as_pixels(train.images).reshape(len(train.images), -1)
    squares = (known * known).sum(axis=1)
    right = 0
    for start in range(0, len(test.images), AT_ONCE):
        asked = as_pixels(test.images[start:start + AT_ONCE]).reshape(-1, known.shape[1])
        found = (squares - 2 * asked @ known.T).argmin(axis=1)
        right += int((train.expressions[found] == test.expressions[start:start + AT_ONCE]).sum())
    return right / len(test.images)


def sheet(path: Path, faces: Faces, *, people: int = 6, title: str) -> None:
    """A few people, one a row, with each expression from each camera."""
    chosen = np.unique(faces.people)[:people]
    cameras = np.unique(faces.cameras)
    page = pictures.blank(0.62 * len(EXPRESSIONS) * len(cameras), 0.66 * len(chosen) + 0.6)
    grid_of_axes = page.subplots(len(chosen), len(EXPRESSIONS) * len(cameras), squeeze=False)
    for axes in grid_of_axes.ravel():
        axes.set_axis_off()
    for row, person in zip(grid_of_axes, chosen, strict=True):
        for e in range(len(EXPRESSIONS)):
            for c, camera in enumerate(cameras):
                of = (faces.people == person) & (faces.expressions == e) & (faces.cameras == camera)
                if of.any():
                    image: Array = faces.images[of.argmax()]
                    row[e * len(cameras) + c].imshow(image, cmap="gray", vmin=0, vmax=255)
    for e, name in enumerate(EXPRESSIONS):
        grid_of_axes[0, e * len(cameras) + len(cameras) // 2].set_title(name, fontsize=8)
    page.suptitle(title, fontsize=10)
    pictures.save(page, path)


def show(facts: dict[str, Any]) -> None:
    """Print to stdout."""
    console = Console()
    table = report.table(f"Expressions of people never seen before, accuracy in %\n{facts['data']}", facts["rows"],
                         paper="paper\nMulti-PIE", shown=lambda error: 100 - error)
    table.add_row("", "nearest picture", "", f"{facts['nearest']:.2f}", "", "")
    console.print(table)
    pictures.show_written(console, output.listed(Path(facts["out"])))
