"""How well a memory that is never cleared recognises what it was shown once, long ago.      (LTRRE §1, "life-long")

What is shown and asked, and why so, stands in `tasks/one_shot/life_long.py`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from refmem.memory.memory import Memory

from reference_models.tasks.one_shot.characters import Array
from reference_models.tasks.one_shot.life_long import Life


class Recognised(NamedTuple):
    """How often characters are recognised at one lag."""

    lag: int
    accuracy: float  # of the answers `lag` steps after a character was shown
    half_width: float  # of its 95 % confidence interval: 1.96 standard errors over the characters
    at_once: float  # accuracy for the same characters ten steps after they were shown, in a memory less full
    characters: int


def measure(memory: Memory, queries: Array, lives: Sequence[Life], *, rng: np.random.Generator | None = None,
            progress: Callable[[float], None] = lambda done: None) -> list[Recognised]:
    """Live the lives, each from an empty memory on.

    Parameters
    ----------
    memory : Memory
        Afterwards it holds what the last life has left in it.
    queries : [sources, d]
        The embedding of every drawing of `lives[0].characters` (`evaluation.embed`).
    rng : numpy Generator, optional
        For the age noise of the memory.

    Returns
    -------
    list of Recognised
        One for each lag, in ascending order.
    """
    def within(i: int) -> Callable[[float], None]:
        return lambda done: progress((i + done) / len(lives))

    right = [live(memory, queries, life, rng=rng, progress=within(i)) for i, life in enumerate(lives)]
    at_once, later = (np.concatenate(parts) for parts in zip(*right, strict=True))  # [n]
    lag = np.concatenate([life.lag for life in lives])  # [n]
    return [Recognised(int(n), *_mean(later[lag == n]), float(at_once[lag == n].mean()), int((lag == n).sum()))
            for n in np.unique(lag)]


def live(memory: Memory, queries: Array, life: Life, *, rng: np.random.Generator | None = None,
         progress: Callable[[float], None] = lambda done: None) -> tuple[Array, Array]:
    """One life: the part of right answers for each character, (ten steps after it was shown, its lag after)."""
    memory.clear()
    at_once, later = (np.full(len(life.labels), np.nan) for _ in range(2))  # [n]
    for call, sources in enumerate(life.shown):
        for right, when in ((at_once, life.shown_in + 1), (later, life.asked_before)):
            due = np.flatnonzero(when == call)
            if len(due):
                values = memory.forward(queries[life.questions[due].reshape(-1)])[0].values
                right[due] = (values.reshape(len(due), -1) == life.labels[due, None]).mean(axis=1)
        labels, _ = life.characters.drawings(sources)
        memory.forward(queries[sources], labels, rng=rng, sources=sources)
        progress((call + 1) / len(life.shown))
    return at_once, later


def _mean(values: Array) -> tuple[float, float]:
    """(mean, half the width of its 95 % confidence interval)."""
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return float(values.mean()), 1.96 * spread / len(values) ** 0.5
