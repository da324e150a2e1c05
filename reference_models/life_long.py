"""Living a long life (`tasks.life_long`): how often classes shown once are recognised, after a short and a long while.

The questions of all lags come at the end, to an equally full memory. Each class was also asked for right after it was
shown, when less was stored; against this, the answer at the end shows what everything stored since has cost.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refmem.memory.memory import Memory

from reference_models.evaluation import mean_and_half_width
from reference_models.tasks.characters import Array
from reference_models.tasks.life_long import Life

MEMORY_SIZE = 65_536


class Recall(NamedTuple):
    """How well classes shown once are recognised after one lag."""

    lag: int  # steps
    accuracy: float  # share of the questions answered with the right one of all classes stored
    half_width: float  # of its 95 % interval, over the classes
    accuracy_soon: float  # of the same questions, asked ten steps after the class was shown
    half_width_soon: float
    classes: int
    questions: int  # in all
    stored: int  # filled slots when asked, on average
    choices: int  # classes in the memory at the end


def sources_needed(life: Life) -> Array:
    """The drawings that must be embedded, each once."""
    return np.unique(np.concatenate([life.shown.reshape(-1), life.questions.reshape(-1)]))


def measure(memory: Memory, queries: Array, life: Life, *, rng: np.random.Generator | None = None,
            progress: Callable[[float], None] = lambda done: None) -> list[Recall]:
    """Live through it, from an empty memory that is never cleared.

    Parameters
    ----------
    memory : Memory
        With a slot for every step nothing needs to be forgotten.
    queries : [sources, d]
        Embeddings of `life.characters`, see `evaluation.embed` and `sources_needed`.
    rng : numpy Generator, optional
        For the age noise of the memory.

    Returns
    -------
    list of Recall
        One for each lag, the shortest first.
    """
    memory.clear()
    right, soon = (np.zeros(life.questions.shape) for _ in range(2))  # [n, Q]
    stored = np.zeros(len(life.lag))  # [n]
    ask = _by_call(life.asked_before)
    ask_soon = _by_call(life.shown_in + 1)
    everything = np.asarray(life.characters.drawings(life.shown)[0])  # [calls, 10] labels
    for call in range(len(life.shown) + 1):
        for n in ask_soon.get(call, []):
            soon[n] = _answers(memory, queries[life.questions[n]]) == life.labels[n]
        for n in ask.get(call, []):
            right[n] = _answers(memory, queries[life.questions[n]]) == life.labels[n]
            stored[n] = (memory.state.sources >= 0).sum()
        if call < len(life.shown):
            shown = life.shown[call]
            memory.forward(queries[shown], everything[call], sources=shown, rng=rng)
        progress(call / len(life.shown))

    choices = len(np.unique(memory.state.values[memory.state.sources >= 0]))
    rows = []
    for lag in np.unique(life.lag):
        of_lag = life.lag == lag
        (accuracy, late_half), (accuracy_soon, soon_half) = (
            mean_and_half_width(answers[of_lag].mean(axis=1)) for answers in (right, soon))
        rows.append(Recall(int(lag), float(accuracy), float(late_half), float(accuracy_soon), float(soon_half),
                           int(of_lag.sum()), right[of_lag].size, round(stored[of_lag].mean()), choices))
    return rows


def _answers(memory: Memory, queries: Array) -> Array:
    """The values that the memory answers with; nothing is written."""
    return memory.forward(queries, update=False)[0].values


def _by_call(calls: Array) -> dict[int, list[int]]:
    """Which of the shown classes to ask for before each call."""
    asked: dict[int, list[int]] = {}
    for n, call in enumerate(calls.tolist()):
        asked.setdefault(call, []).append(n)
    return asked
