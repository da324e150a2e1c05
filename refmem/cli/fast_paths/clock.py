"""Two functions against each other: their times, taken in turns."""

import time
from collections.abc import Callable

import numpy as np

ROUNDS = 5


def medians(*functions: Callable[[], object]) -> list[float]:
    """Milliseconds of each function, called in turns; the first turn is not counted."""
    took: list[list[float]] = []
    for _ in range(ROUNDS + 1):
        turn = []
        for function in functions:
            start = time.perf_counter()
            function()
            turn.append((time.perf_counter() - start) * 1e3)
        took.append(turn)
    return [float(median) for median in np.median(took[1:], axis=0)]
