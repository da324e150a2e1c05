"""Learning curves of sequence models: loss and accuracy of the tokens, and what the memory knows."""

from collections.abc import Sequence
from pathlib import Path

from reference_models.cli.pictures import blank, save, smooth


def curve(path: Path, points: Sequence[dict[str, float]], *, title: str) -> None:
    """Loss above; below the share of right tokens, the memory's right answers and its confidence."""
    figure = blank(8, 6)
    above, below = figure.subplots(2, 1, sharex=True)
    minutes = [point["seconds"] / 60 for point in points]
    losses = [point["loss"] for point in points]
    above.plot(minutes, losses, color="0.8", linewidth=0.8)
    above.plot(minutes, smooth(losses), color="C0", label="training")
    for axes, name, label in ((above, "validation_loss", "validation"), (below, "validation_accuracy", "validation")):
        measured = [(point["seconds"] / 60, point[name]) for point in points if name in point]
        if measured:
            axes.plot(*zip(*measured, strict=True), color="C1", marker="o", markersize=3, label=label)
    for name, label, colour in (("accuracy", "all right, training", "C0"),
                                ("hits", "the memory's right answers", "C2"), ("confidence", "its confidence", "C3"),
                                ("digit_hits", "its right digits", "C4")):
        seen = [(m, point[name]) for m, point in zip(minutes, points, strict=True) if name in point]
        if seen:
            when, values = zip(*seen, strict=True)
            below.plot(when, smooth(values), color=colour, label=label)
    above.set_title(title, fontsize=10)
    above.set_ylabel("loss, nats a token")
    above.set_yscale("log")
    below.set_ylabel("share")
    below.set_ylim(0, 1)
    below.set_xlabel("minutes of training")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    save(figure, path)
