"""Pictures of the synthetic task: how an Extended Neural GPU comes to an answer."""

from pathlib import Path

import numpy as np

from reference_models.cli.pictures import blank, save
from reference_models.neural_gpu.extended import ExtendedNeuralGPU
from reference_models.neural_gpu.watching import Watched, watch
from reference_models.tasks.synthetic import SYMBOLS, Examples

SHOWN = 20  # symbols of the string in the picture of the tape, at most


def draw_tape(path: Path, model: ExtendedNeuralGPU, examples: Examples, asked: Examples) -> None:
    """How the network answers one test string: the first short one whose number was seen in training, if any."""
    fits = (asked.lengths > SHOWN // 2) & (asked.lengths <= SHOWN) & np.isin(asked.numbers, examples.numbers)
    one = asked.take(np.flatnonzero(fits)[:1] if fits.any() else np.arange(1))
    length = int(one.lengths[0])
    watched = watch(model, one.inputs[:, :length])
    said = watched.output.memory_values
    lines = [one.inputs[0, :length], one.outputs[0, :length], watched.output.symbols[0],
             np.full(length, -1) if said is None else said[0]]
    tape(path, watched, *("".join(SYMBOLS[t] if t >= 0 else " " for t in line) for line in lines))


def tape(path: Path, watched: Watched, given: str, wanted: str, written: str, answers: str) -> None:
    """How an Extended Neural GPU comes to its outputs: the tape, what the memory said and how surely, and the image.

    Parameters
    ----------
    watched : Watched
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
