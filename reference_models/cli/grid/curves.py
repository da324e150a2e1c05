"""Pictures of the sequence tasks: all learning curves on one plot, and where fast weights look."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reference_models.cli.grid.experiment import Done
from reference_models.cli.pictures import blank, save
from reference_models.fast_weights.cores.catalogue import TITLES

COLOURS = {"fast-weights": "#c0392b", "irnn": "#7f8c8d", "lstm": "#2471a3", "a-lstm": "#7d3c98", "convnet": "#239b56"}
LEAST = 0.02  # percent: where a logarithmic axis ends


def draw(path: Path, legs: Sequence[Done], *, title: str) -> None:
    """Validation error against updates: a panel a width, a thin line a seed, a thick one the median of a model."""
    from matplotlib.ticker import LogFormatter

    widths = sorted({done.leg.units for done in legs})
    page = blank(1.5 + 4.2 * len(widths), 4.4)
    panels = page.subplots(1, len(widths), sharey=True, squeeze=False)[0]
    named: dict[str, Any] = {}
    for axes, units in zip(panels, widths, strict=True):
        for model, colour in COLOURS.items():
            own = [done for done in legs if (done.leg.model, done.leg.units) == (model, units)]
            seeds = [seed for seed in map(errors, own) if seed]
            for seed in seeds:
                axes.plot([x / 1000 for x in seed], list(seed.values()), color=colour, linewidth=0.7, alpha=0.5)
            if seeds:
                x = sorted(set.intersection(*(set(seed) for seed in seeds)))
                named[TITLES[model]], = axes.plot([at / 1000 for at in x],
                                                  [np.median([seed[at] for seed in seeds]) for at in x],
                                                  color=colour, linewidth=1.8, marker=".", markersize=4)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))  # 2, 3, 5 where the axis is short
        axes.set_title(f"{units} units", fontsize=10)
        axes.set_xlabel("updates, in thousands")
        axes.grid(alpha=0.3, which="both", linewidth=0.5)
    panels[0].set_ylabel("error, %")
    if named:  # in no panel's way
        page.legend(list(named.values()), list(named), fontsize=9, loc="outside lower center", ncols=len(named))
    page.suptitle(title, fontsize=11)
    save(page, path)


def errors(done: Done) -> dict[int, float]:
    """Update -> validation error in percent; not below `LEAST`, where the axis ends."""
    return {int(point["updates"]): max(LEAST, 100 * point["valid_error"]) for point in done.curve
            if "valid_error" in point}


def draw_attention(path: Path, weights: np.ndarray[Any, Any], labels: Sequence[str], *, title: str) -> None:
    """A square: each row is a step, each column the past state that it counted, with its sign."""
    page = blank(5.4, 4.8)
    axes = page.subplots()
    most = float(np.abs(weights).max()) or 1.0
    shown = np.where(np.tril(np.ones_like(weights), -1) > 0, weights, np.nan)
    image = axes.imshow(shown, cmap="RdBu_r", vmin=-most, vmax=most)
    axes.set_xticks(range(len(labels)), labels, family="monospace")
    axes.set_yticks(range(len(labels)), labels, family="monospace")
    axes.set_xlabel("attends to the state after")
    axes.set_ylabel("at")
    axes.set_title(title, fontsize=10, family="monospace")
    page.colorbar(image, label="weight of the state: decay times likeness", shrink=0.85)
    save(page, path)
