"""Drawings beside the stored drawings that answers rest on: an episode as it happened, and a single explanation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reference_models.classifier import Classifier
from reference_models.classifier import evaluation
from reference_models.cli.pictures import blank, save
from reference_models.tasks.one_shot.characters import Array, Characters

WAYS, ROUNDS = 5, 4
RIGHT, WRONG = "#2a7d3f", "#c0392b"


class Answer(NamedTuple):
    """A drawing, what the memory said to it, and why."""

    drawing: Array  # [28, 28] ink
    label: int
    answered: int  # -1: the memory was empty
    rests_on: Array | None  # [28, 28] ink: the drawing last written into the nearest slot
    cosine: float


def draw_episode(path: Path, classifier: Classifier, queries: Array, unseen: Characters, *, seed: int) -> None:
    """Run one 5-way episode of four presentations from an empty memory, and draw it."""
    ways, rounds = min(WAYS, unseen.classes), min(ROUNDS, unseen.drawers)
    plan, = evaluation.plans(unseen, ways=ways, shots=rounds - 1, count=1, rng=np.random.default_rng([seed, 4]))
    memory = evaluation.fresh_memory(classifier, ways * rounds)
    answers: list[list[Answer]] = [[] for _ in range(rounds)]
    for where in np.ndindex(plan.labels.shape):
        source, label = plan.sources[where], plan.labels[where]
        before = memory.state.sources.copy()  # the write may replace what the answer rests on
        output, _ = memory.forward(queries[source][None], label[None], sources=source[None])
        slot = int(output.neighbours[0, 0])
        stored = int(before[slot]) if slot >= 0 else -1
        answers[where[0]].append(Answer(
            _ink(unseen, source), int(label), int(output.values[0]), _ink(unseen, stored) if stored >= 0 else None,
            float(output.cosines[0, 0])))
    episode(path, answers, title=f"{ways} characters that the network never saw: each drawing, and the stored one that "
                                 "its answer rests on (cosine)")


def episode(path: Path, rounds: Sequence[Sequence[Answer]], *, title: str) -> None:
    """One row for each presentation round: each drawing beside the stored drawing that the answer rests on."""
    columns = max(len(answers) for answers in rounds)
    figure = blank(1.9 * columns, 1.25 * len(rounds) + 0.4)
    grid = figure.subplots(len(rounds), 2 * columns, squeeze=False)
    for r, answers in enumerate(rounds):
        for c, answer in enumerate(answers):
            asked, stored = grid[r, 2 * c], grid[r, 2 * c + 1]
            colour = RIGHT if answer.answered == answer.label else WRONG
            _drawing(asked, answer.drawing, f"this is {_letter(answer.label)}", "black")
            if answer.rests_on is None:
                stored.set_axis_off()
                stored.text(0, 0.5, "memory\nempty", fontsize=7, color="0.5", va="center")
            else:
                says = f"says {_letter(answer.answered)} ({answer.cosine:.2f})"
                _drawing(stored, answer.rests_on, says, colour)
        often = {0: "never shown\nbefore", 1: "shown once\nbefore"}.get(r, f"shown {r} times\nbefore")
        grid[r, 0].set_ylabel(often, fontsize=8)
    figure.suptitle(title, fontsize=10)
    save(figure, path)


def evidence(path: Path, drawing: Array, stored: Sequence[tuple[Array, str]], *, title: str) -> None:
    """The drawing asked about, and the stored drawings that spoke for the answer, nearest first."""
    figure = blank(1.7 * (1 + len(stored)), 2.4)
    grid = figure.subplots(1, 1 + len(stored), squeeze=False)[0]
    _drawing(grid[0], drawing, "asked", "black")
    for axes, (ink, text) in zip(grid[1:], stored, strict=True):
        _drawing(axes, ink, text, "0.3")
    figure.suptitle(title, fontsize=10)
    save(figure, path)


def _letter(label: int) -> str:
    return chr(ord("A") + label)


def _drawing(axes: Any, ink: Array, title: str, colour: str) -> None:
    axes.imshow(ink, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=7, color=colour, pad=2)
    for spine in axes.spines.values():
        spine.set_color(colour if colour != "black" else "0.7")


def _ink(characters: Characters, source: int | Array) -> Array:
    """[28, 28] uint8."""
    ink: Array = characters.images[characters.drawings(np.asarray(source))]
    return ink
