"""Pictures of results: a sheet to draw on, and its file. They need matplotlib, which comes with the extra `plot`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from refmem.storage import replacing

MISSING = "no pictures were made: they need matplotlib (pip install 'refmem[plot]')"


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def blank(width: float, height: float) -> Any:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure  # no pyplot: no window system, no global state

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """The whole picture or nothing."""
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=140)


def smooth(values: Sequence[float], window: int = 15) -> list[float]:
    """Mean of the last few values."""
    return [sum(values[max(0, i - window + 1):i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))]


def show_written(console: Console, files: str) -> None:
    """Say which files a command has written, and why there are no pictures among them."""
    console.print(f"written: {files}", soft_wrap=True, highlight=False, markup=False)
    if not available():
        console.print(MISSING, soft_wrap=True, highlight=False, markup=False)
