"""What the command `recall` leaves behind: a table beside the paper's, learning curves, where the network looked."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from reference_models.cli import output, pictures
from reference_models.cli.grid import curves, report
from reference_models.cli.grid.experiment import Done, found
from reference_models.cli.recall.job import PAPER, TASK, Recall
from reference_models.tasks import retrieval
from reference_models.training.checkpoint import put_params


def write(task: Recall, folder: Path, question: Any) -> dict[str, Any]:
    """All files but the checkpoints; returns what `--json` prints."""
    legs = found(folder, TASK)
    facts = report.facts_of(task, legs, folder)
    for row in facts["rows"]:
        row["paper"] = PAPER.get((row["model"], row["units"])) if task.settings["pairs"] == 4 else None
    facts["answers"] = _answers(task, legs, folder, question)
    report.write(facts, legs, folder, title="associative retrieval, validation error while training")
    return facts


def _answers(task: Recall, legs: list[Done], folder: Path, question: Any) -> list[dict[str, Any]]:
    """What each finished fast-weights network answers to the question, and a picture of where it looked."""
    symbols = task.examples("test").symbols[0] if question is None else question
    answers = []
    for done in legs:
        if done.leg.model != "fast-weights" or done.test is None:
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
    console.print(report.table(f"Associative retrieval, {facts['settings']['pairs']} pairs: test error in %",
                               facts["rows"]))
    for answer in facts["answers"]:
        console.print(f"{answer['network']}: {answer['sequence']} → {answer['answer']}", highlight=False)
    pictures.show_written(console, output.listed(Path(facts["out"])))
