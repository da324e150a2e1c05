"""Pictures of a Neural GPU: its mental image through time, its tape, and how far its algorithm reaches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reference_models.cli.pictures import blank, save
from reference_models.neural_gpu.evaluation import Measured

SHOWN = 6  # maps of each row


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


def tape(path: Path, watched: Any, given: str, wanted: str, written: str, answers: str) -> None:
    """How an Extended Neural GPU comes to its outputs: the tape, what the memory said and how surely, and the image.

    Parameters
    ----------
    watched : reference_models.neural_gpu.watching.Watched
    given, wanted, written, answers : str
        A symbol for each position: of the input, the target, the output, and the memory (a blank where it is silent).
    """
    figure = blank(11, 8.5)
    (tape_axes, said), (first, second) = figure.subplots(2, 2, gridspec_kw={"height_ratios": [1, 1.15]})
    norms = np.linalg.norm(watched.tape, axis=2)  # [step, position]
    tape_axes.imshow(norms, cmap="Blues", interpolation="nearest", aspect="auto")
    tape_axes.set_title("the tape: length of what stands on it\n(on the diagonal: the memory's answer)", fontsize=8)
    tape_axes.set_ylabel("output made", fontsize=7)
    places, sure = np.arange(len(given)), watched.output.confidence
    said.bar(places, np.zeros(len(given)) if sure is None else sure[0], color="tab:orange")
    said.set_ylim(0, 1)
    said.set_xlim(-0.5, len(given) - 0.5)
    said.set_ylabel("confidence of the memory's answer", fontsize=7)
    for height, name, symbols in ((1.18, "input", given), (1.13, "memory", answers), (1.08, "output", written),
                                  (1.03, "wanted", wanted)):
        said.text(-0.02, height, name, transform=said.transAxes, ha="right", fontsize=7)
        for place, symbol, right in zip(places, symbols, wanted, strict=True):
            said.text(place, height, symbol, transform=said.get_xaxis_transform(), ha="center", fontsize=7,
                      color="tab:red" if name == "output" and symbol != right else "black")
    busiest = np.argsort(-watched.images[:, :, 0].std(axis=0).mean(axis=0), kind="stable")[:2]
    for axes, which in zip((first, second), busiest, strict=True):
        axes.imshow(watched.images[:, :, 0, which], cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto",
                    interpolation="nearest")
        axes.axhline(len(given) + 0.5, color="black", linewidth=0.7)
        axes.set_title(f"row 0, map {which} of the mental image: encoder above the line, decoder below", fontsize=8)
        axes.set_ylabel("step", fontsize=7)
        axes.yaxis.get_major_locator().set_params(integer=True)
    for axes in (tape_axes, said, first, second):
        axes.tick_params(labelsize=6)
        axes.set_xticks(places, given)
    save(figure, path)
