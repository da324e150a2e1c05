"""Pictures of results. They need matplotlib, which comes with the extra `plot`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from refmem.storage import replacing

from reference_models.classifier.evaluation_life_long import Recognised
from reference_models.tasks.one_shot.characters import Array

MISSING = "no pictures were made: they need matplotlib (pip install 'refmem[plot]')"

RIGHT, WRONG = "#2a7d3f", "#c0392b"


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # no pyplot: no window system, no global state

    return Figure(figsize=(width, height), layout="constrained")


def _write(figure: Any, path: Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=140)


# --- Training -----------------------------------------------------------------------------------------------------


def curve(path: Path, points: Sequence[dict[str, float]], *, title: str) -> None:
    """Loss and accuracy against the time spent training."""
    figure = _figure(8, 5)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    seconds = [point["seconds"] for point in points]
    accuracy = [100 * point["accuracy"] for point in points]
    above.plot(seconds, accuracy, color="0.8", linewidth=0.8)
    above.plot(seconds, _smooth(accuracy), color="C0", label="training classes, 2nd presentation of an episode batch")
    for name in dict.fromkeys(key for point in points for key in point if key.startswith("unseen")):
        measured = [(point["seconds"], 100 * point[name]) for point in points if name in point]
        above.plot(*zip(*measured, strict=True), marker="o", markersize=3, label=name.replace("_", " "))
    above.set_ylabel("accuracy, %")
    above.set_title(title, fontsize=10)
    above.legend(fontsize=8, loc="lower right")
    below.plot(seconds, [point["loss"] for point in points], color="0.8", linewidth=0.8)
    below.plot(seconds, _smooth([point["loss"] for point in points]), color="C0")
    below.set_ylabel("margin loss")
    below.set_xlabel("seconds of training")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    _write(figure, path)


def _smooth(values: Sequence[float], window: int = 15) -> list[float]:
    """Mean of the last few values."""
    return [sum(values[max(0, i - window + 1):i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))]


# --- An episode ---------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """A drawing, what the memory said to it, and why."""

    drawing: Array  # [28, 28] ink
    label: int
    answered: int  # -1: the memory was empty
    rests_on: Array | None  # [28, 28] ink: the drawing last written into the nearest slot
    cosine: float


def episode(path: Path, rounds: Sequence[Sequence[Answer]], *, title: str) -> None:
    """One row for each presentation round: each drawing beside the stored drawing that the answer rests on."""
    columns = max(len(answers) for answers in rounds)
    figure = _figure(1.9 * columns, 1.25 * len(rounds) + 0.4)
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
    _write(figure, path)


def _letter(label: int) -> str:
    return chr(ord("A") + label)


def _drawing(axes: Any, ink: Array, title: str, colour: str) -> None:
    axes.imshow(ink, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=7, color=colour, pad=2)
    for spine in axes.spines.values():
        spine.set_color(colour if colour != "black" else "0.7")


# --- A long life --------------------------------------------------------------------------------------------------


def lags(path: Path, rows: Sequence[Recognised], *, title: str) -> None:
    """Accuracy against the number of steps since a class was shown, once."""
    figure = _figure(7, 4)
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
    _write(figure, path)


# --- An explanation -----------------------------------------------------------------------------------------------


def evidence(path: Path, drawing: Array, stored: Sequence[tuple[Array, str]], *, title: str) -> None:
    """The drawing asked about, and the stored drawings that spoke for the answer, nearest first."""
    figure = _figure(1.7 * (1 + len(stored)), 2.4)
    grid = figure.subplots(1, 1 + len(stored), squeeze=False)[0]
    _drawing(grid[0], drawing, "asked", "black")
    for axes, (ink, text) in zip(grid[1:], stored, strict=True):
        _drawing(axes, ink, text, "0.3")
    figure.suptitle(title, fontsize=10)
    _write(figure, path)
