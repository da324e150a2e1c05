"""What the command `recall` leaves behind: a table beside the paper's, learning curves, where the network looked."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from reference_models.cli import curves, grid, output, pictures
from reference_models.cli.recall.job import PAPER, TASK, Recall
from reference_models.fast_weights.cores.catalogue import TITLES
from reference_models.tasks import retrieval
from reference_models.training.checkpoint import put_params


def write(task: Recall, folder: Path, question: Any) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = grid.found(folder, TASK)
    rows = grid.table(legs)
    for row in rows:
        row["paper"] = PAPER.get((row["model"], row["units"])) if task.settings["pairs"] == 4 else None
    facts: dict[str, Any] = {"task": TASK, "settings": task.settings, "rows": rows, "out": str(folder),
                             "versions": output.versions()}
    facts["answers"] = _answers(task, legs, folder, question)
    output.write_csv(folder / "curves.csv", [{"model": done.leg.model, "units": done.leg.units, "seed": done.leg.seed,
                                              **point} for done in legs for point in done.curve])
    if pictures.available():
        curves.draw(folder / "curves.png", legs, title="associative retrieval, validation error while training")
    output.write_json(folder / "results.json", facts)
    return facts


def _answers(task: Recall, legs: list[grid.Done], folder: Path, question: Any) -> list[dict[str, Any]]:
    """What each finished fast-weights network answers to the question, and a picture of where it looked."""
    symbols = task.examples("test").symbols[0] if question is None else question
    answers = []
    for done in grid.of(legs, lambda leg: leg.model == "fast-weights"):
        if done.test is None:
            continue
        model = task.build(done.leg, form="attention")  # which keeps what it looked at
        put_params(model.params, done.saved.params)
        logits, cache = model.forward(symbols[None])
        text = retrieval.written(symbols)
        answers.append({"network": done.leg.name, "sequence": text, "answer": str(int(logits[0].argmax()))})
        if pictures.available() and task.choices(done.leg).steps:
            curves.draw_attention(folder / f"attention-{done.leg.name}.png", attention(cache.walk), text,
                                  title=f"{text} → {answers[-1]['answer']}   ({done.leg.units} units)")
    return answers


def attention(walk: Any) -> np.ndarray[Any, Any]:
    """[T, T]: eta lambda^(t-tau) h(tau)^T h_s, by how much each step counted each earlier one at last."""
    weights = np.zeros((len(walk.steps), len(walk.steps)))
    for t, step in enumerate(walk.steps):
        read = step.reads[-1]
        weights[t, :read.known] = read.scores[0] * walk.weights.weights(read.known)
    return weights


def show(facts: dict[str, Any]) -> None:
    """Print to stdout."""
    console = Console()
    console.print(errors_table(f"Associative retrieval, {facts['settings']['pairs']} pairs: test error in %",
                               facts["rows"]))
    for answer in facts["answers"]:
        console.print(f"{answer['network']}: {answer['sequence']} → {answer['answer']}", highlight=False)
    console.print(f"written: {', '.join(sorted(path.name for path in Path(facts['out']).iterdir()))} in {facts['out']}",
                  soft_wrap=True, highlight=False)
    if not pictures.available():
        console.print(pictures.MISSING, soft_wrap=True, highlight=False, markup=False)


def errors_table(title: str, rows: list[dict[str, Any]]) -> Table:
    """One row for each width and model."""
    table = Table(title=title)
    for column in ("units", "model", "updates", "median", "seeds", "paper"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        errors = ", ".join(f"{error:.2f}" for error in row["errors"].values())
        stopped = f" ({len(row['unfinished'])} unfinished)" if row["unfinished"] else ""
        table.add_row(str(row["units"]), TITLES.get(row["model"], row["model"]), updates_of(row),
                      "" if row["median_error"] is None else f"{row['median_error']:.2f}", errors + stopped,
                      "" if row["paper"] is None else f"{row['paper']:.2f}")
    return table


def updates_of(row: dict[str, Any]) -> str:
    """How many updates the networks of a row had; one number, as a rule."""
    return ", ".join(f"{count:,}" for count in sorted(set(row["updates"].values())))
