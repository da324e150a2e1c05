"""Ctrl-C while a program must not be torn apart: remembered, and acted on when it suits."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Within this context the first Ctrl-C only sets `requested`; the second one interrupts at once.

    >>> with Interrupts() as interrupts:                              # doctest: +SKIP
    ...     while not interrupts.requested:
    ...         step()
    """

    def __init__(self, notice: str = "") -> None:
        self.requested = False
        self.notice = notice  # printed to stderr at the first Ctrl-C
        self._before: Any = None

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # signals can be handled nowhere else
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        if self.notice:
            import os
            os.write(2, f"{self.notice}\n".encode())  # print() must not be entered twice
