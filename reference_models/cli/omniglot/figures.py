"""Curves of a one-shot run: loss and accuracy while it trained, and what it still knew much later."""

from collections.abc import Sequence
from pathlib import Path

from reference_models.classifier.evaluation_life_long import Recognised
from reference_models.cli.pictures import blank, save, smooth


def curve(path: Path, points: Sequence[dict[str, float]], *, title: str) -> None:
    """Loss and accuracy against the time spent training."""
    figure = blank(8, 5)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    seconds = [point["seconds"] for point in points]
    accuracy = [100 * point["accuracy"] for point in points]
    above.plot(seconds, accuracy, color="0.8", linewidth=0.8)
    above.plot(seconds, smooth(accuracy), color="C0", label="training classes, 2nd presentation of an episode batch")
    for name in dict.fromkeys(key for point in points for key in point if key.startswith("unseen")):
        measured = [(point["seconds"], 100 * point[name]) for point in points if name in point]
        above.plot(*zip(*measured, strict=True), marker="o", markersize=3, label=name.replace("_", " "))
    above.set_ylabel("accuracy, %")
    above.set_title(title, fontsize=10)
    above.legend(fontsize=8, loc="lower right")
    below.plot(seconds, [point["loss"] for point in points], color="0.8", linewidth=0.8)
    below.plot(seconds, smooth([point["loss"] for point in points]), color="C0")
    below.set_ylabel("margin loss")
    below.set_xlabel("seconds of training")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    save(figure, path)


def lags(path: Path, rows: Sequence[Recognised], *, title: str) -> None:
    """Accuracy against the number of steps since a class was shown, once."""
    figure = blank(7, 4)
    axes = figure.subplots()
    lag = [row.lag for row in rows]
    axes.errorbar(lag, [100 * row.accuracy for row in rows], yerr=[100 * row.half_width for row in rows],
                  marker="o", capsize=3, label="asked so many steps after, at the end of a life")
    axes.plot(lag, [100 * row.at_once for row in rows], marker="o", markersize=3, linestyle=":", color="0.5",
              label="the same characters, asked 10 steps after they were shown")
    axes.set_xscale("log")
    axes.set_xticks(lag, [f"{steps:,}" for steps in lag])
    axes.minorticks_off()
    axes.set_ylim(0, 100)
    axes.legend(fontsize=8)
    axes.set_xlabel("steps since the class was shown, once")
    axes.set_ylabel("recognised, %")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    save(figure, path)
