"""Pictures of a Neural GPU: how it learnt, how far its algorithm reaches, and its mental image through time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reference_models.cli.pictures import blank, save, smooth
from reference_models.neural_gpu.evaluation import Measured

SHOWN = 6  # maps of each row


def curve(path: Path, points: Sequence[dict[str, float]], *, title: str) -> None:
    """The length reached, and the share of wrong sequences in training, mean of 50 batches, against updates."""
    figure = blank(7, 4)
    lengths, errors = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    updates = [point["episode"] for point in points]
    lengths.plot(updates, [point["reached"] for point in points])
    lengths.set_ylabel("longest trained on")
    lengths.set_title(f"Neural GPU: {title}", fontsize=10)
    errors.plot(updates, smooth([100 * point["error"] for point in points], 50))
    errors.set_ylim(-3, 103)
    errors.set_xlabel("update")
    errors.set_ylabel("wrong in training, %")
    for axes in (lengths, errors):
        axes.grid(alpha=0.3)
    save(figure, path)


def accuracy(path: Path, rows: Sequence[Measured], longest: int, *, title: str) -> None:
    """The share of sequences that are fully right, against length; trained lengths are shaded."""
    figure = blank(7, 4)
    axes = figure.subplots()
    for kind in dict.fromkeys(row.kind for row in rows):
        own = [row for row in rows if row.kind == kind]
        axes.plot([row.length for row in own], [100 * row.share for row in own], marker="o", markersize=3, label=kind)
    axes.axvspan(1, longest, color="0.9", label="trained on")
    axes.set_xscale("log")
    axes.set_ylim(-3, 103)
    axes.set_xlabel("length of the sequence")
    axes.set_ylabel("fully right, %")
    axes.set_title(f"Neural GPU: {title}", fontsize=10)
    axes.legend(fontsize=8, loc="lower left")
    axes.grid(alpha=0.3)
    save(figure, path)


def mental_image(path: Path, images: Any, question: str, answer: str) -> None:
    """Step against position, for the maps of each row that change most; images [steps + 1, n, w, m]."""
    steps, positions, rows, _ = images.shape
    figure = blank(1.7 * SHOWN + 0.6, 1.5 * rows + 0.9)
    grid = figure.subplots(rows, SHOWN, squeeze=False, sharex=True, sharey=True)
    for row in range(rows):
        busiest = np.argsort(-images[:, :, row].std(axis=(0, 1)), kind="stable")[:SHOWN]
        for axes, which in zip(grid[row], busiest, strict=False):
            axes.imshow(images[:, :, row, which], cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto",
                        interpolation="nearest")
            axes.set_title(f"map {which}", fontsize=7, pad=2)
            axes.tick_params(labelsize=6)
            if positions <= 12:
                axes.set_xticks(range(positions), list(question.ljust(positions)))
        grid[row, 0].set_ylabel(f"row {row}\nstep", fontsize=7)
    figure.suptitle(f"{question} = {answer}: the mental image, step by step (position across)", fontsize=9)
    save(figure, path)
