"""A long life: characters shown once, and asked for 10 to 50,000 steps later. The memory is never cleared.

A step shows one drawing, and its label is told after; a call takes ten steps at once. Most drawings are of known
characters, those that the network was trained on: the same thousands of classes again and again, yet no drawing
twice. Among them, unseen characters are shown: each once in a life.

- An unseen character belongs to one lag. It is asked for that many steps after it was shown, by ten drawings that
  the memory has never stored. Asking writes nothing and tells nothing: what was shown once stays so.
- The memory chooses among all that it holds, whatever the lag: everything stored before and since.
- The questions of all lags come in the same last 5,000 steps. The memory is equally full for all of them, and what
  differs between two lags is how long ago the character was shown, and nothing else.
- Each character is also asked for ten steps after it was shown, when the memory held less. Against this, the answer
  at the end shows what the crowd that came since has cost.

There are as many lives as lags, each from an empty memory on, and an unseen character has another lag in each. So
every lag is measured on the same characters. 60,000 steps write at most 60,000 slots: a memory of 65,536 evicts
nothing, and a smaller one may.
"""

from typing import NamedTuple

import numpy as np

from reference_models.tasks.one_shot.characters import Array, Characters, joined

LAGS = (10, 100, 1_000, 10_000, 50_000)
CALL = 10  # steps of a call
STEPS = 60_000
WINDOW = 5_000  # steps at the end, in which all questions are asked
QUESTIONS = 10  # drawings of each character asked for


class Life(NamedTuple):
    """What is shown and what is asked. The label of a drawing is its class in `characters`."""

    characters: Characters  # the known ones, then the unseen ones
    shown: Array  # [calls, 10] int64, sources
    lag: Array  # [n] steps from showing to asking, for each unseen character shown
    shown_in: Array  # [n] the call in which it is shown
    asked_before: Array  # [n] the call before which it is asked for
    questions: Array  # [n, 10] int64, sources of the drawings asked
    labels: Array  # [n] int64, the right answer


def lives(known: Characters, unseen: Characters, *, rng: np.random.Generator, lags: tuple[int, ...] = LAGS,
          steps: int = STEPS, window: int = WINDOW) -> list[Life]:
    """Lives at random, as many as lags.

    Parameters
    ----------
    known : Characters
        Classes that the network was trained on, with at least `steps` drawings in all.
    unseen : Characters
        Classes that it was not trained on, divided among the lags: at most one question a call and lag.
    lags : tuple of int
        Steps from showing to asking; multiples of 10, at most ten of them.
    steps, window : int
        Length of the life and of its end, in which the questions are asked; multiples of 10.

    Returns
    -------
    list of Life
        Each unseen character has each lag in one of them, and is asked for by the same drawings in all.

    Raises
    ------
    ValueError
        If the life is too short for the longest lag, or there are too few characters or drawings for it.
    """
    if not lags or len(lags) > CALL or min(lags) < CALL or any(n % CALL for n in (*lags, steps, window)):
        raise ValueError(f"lags, steps and window must be multiples of {CALL} and at most {CALL} lags be given, "
                         f"got {lags}, {steps} and {window}")
    if window < CALL or max(lags) + window > steps:
        raise ValueError(f"a lag of {max(lags)} and a window of {window} steps do not fit into a life of {steps}")
    if known.classes * known.drawers < steps:
        raise ValueError(f"a life of {steps} steps needs as many drawings of known characters, "
                         f"and there are only {known.classes * known.drawers}")
    if unseen.classes < len(lags):
        raise ValueError(f"{len(lags)} lags need as many unseen characters, and there are only {unseen.classes}")
    if unseen.drawers < 2:
        raise ValueError("a character can only be asked for if there are two drawings of it")

    every = joined(known, unseen)
    calls, last = steps // CALL, window // CALL
    each = min(unseen.classes // len(lags), last)  # characters of a lag
    labels = known.classes + rng.permutation(unseen.classes)[:each * len(lags)]  # [n]
    drawers = rng.permuted(np.tile(np.arange(unseen.drawers), (len(labels), 1)), axis=1)
    sources = every.sources(labels[:, None], drawers)  # [n, drawers] the first is shown, the next are asked
    group = np.repeat(np.arange(len(lags)), each)  # [n] the characters of a group always have the same lag
    asked_before = np.tile(calls - last + np.arange(each) * last // each, len(lags))  # [n] spread over the window

    planned = []
    for turn in range(len(lags)):
        lag = np.take(lags, group + turn, mode="wrap")  # [n]
        shown_in = asked_before - lag // CALL  # [n]
        shown = rng.permutation(known.classes * known.drawers)[:steps].reshape(calls, CALL)
        shown[shown_in, group] = sources[:, 0]  # each group has a place of its own in a call
        planned.append(Life(every, rng.permuted(shown, axis=1), lag, shown_in, asked_before,
                            sources[:, 1:1 + QUESTIONS], labels))
    return planned
