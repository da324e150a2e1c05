"""How training goes, on stderr: a moving line where someone watches, else a plain line now and then."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_EVERY = 30.0  # seconds between two plain lines
NO_FIGURES: Mapping[str, float] = {}


class Report:
    """Shows what fraction of some work is done, and a few figures beside it."""

    def __init__(self, title: str) -> None:
        self.title = title
        console = Console(file=sys.stderr)
        self.live = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
                             TimeRemainingColumn(), TextColumn("{task.fields[figures]}"), console=console,
                             transient=True) if console.is_terminal else None
        self.said = time.monotonic()
        self.first: tuple[float, float] | None = None  # when first shown, and what was done by then

    def __enter__(self) -> "Report":
        if self.live:
            self.live.start()
            self.task = self.live.add_task(self.title, total=1.0, figures="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def show(self, done: float, figures: Mapping[str, float | int | str] = NO_FIGURES) -> None:
        """`done` of 1, and the figures by name."""
        self.first = self.first or (time.monotonic(), done)
        if self.live is None and time.monotonic() - self.said < PLAIN_EVERY:
            return
        text = "  ".join(f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
                         for name, value in figures.items())
        if self.live:
            self.live.update(self.task, completed=done, figures=text)
        else:
            print(f"{self.title}: {done:.0%}{self._left(done)}  {text}".rstrip(), file=sys.stderr, flush=True)
            self.said = time.monotonic()

    def _left(self, done: float) -> str:
        """How long the rest will take if it goes on as since the first figure."""
        assert self.first is not None
        started, before = self.first
        if done <= before:
            return ""
        seconds = round((time.monotonic() - started) * (1 - done) / (done - before))
        return f", {seconds // 60}:{seconds % 60:02} left"
