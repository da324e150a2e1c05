"""Episodes: in which order drawings and their labels are shown.

Omniglot is learnt online (LTRRE §4). An episode takes N classes. A presentation round shows a new drawing of
every class, in random order, and no class is shown for the (K+1)-th time before all have been shown K times.
The memory answers each drawing first and is told its label after. So

    K-shot accuracy = accuracy in round K + 1,

and the first round, 0-shot, can only be guessed. Here an episode is a plan, the numbers of the drawings and
their labels; `Characters.batch` turns numbers into images. Thus one embedding a drawing serves any number of
episodes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from reference_models.tasks.one_shot.characters import Array, Characters, Scale


class Batch(NamedTuple):
    """One call of the network."""

    images: Array  # [B, 28, 28, 1] float32
    labels: Array  # [B] int64
    sources: Array  # [B] int64


class Episode(NamedTuple):
    """What is shown, call after call. The memory is empty at the start."""

    sources: Array  # [calls, B] int64
    labels: Array  # [calls, B] int64
    rounds: Array  # [calls, B] int64, how often the class was shown before: K where a K-shot answer is given

    def batches(self, characters: Characters, *, scale: Scale = "ink") -> Iterator[Batch]:
        """The calls one by one, with their images."""
        for sources, labels in zip(self.sources, self.labels, strict=True):
            yield Batch(characters.batch(sources, scale=scale), labels, sources)


def in_rounds(characters: Characters, *, ways: int, presentations: int, rng: np.random.Generator) -> Episode:
    """An N-way episode, each presentation round one call of N different classes.

    With ways = 5 or 20 this is the evaluation; read row after row, it is the online stream. With 80 or 160 it
    is the episode batch that the recipe trains on.

    Parameters
    ----------
    ways : int
        N, how many classes. They get the labels 0 .. N-1 at random.
    presentations : int
        How often each is shown, a different drawing every time. Accuracy up to K shots needs K + 1.

    Returns
    -------
    Episode
        sources, labels, rounds : [presentations, ways]

    Raises
    ------
    ValueError
        If there are fewer classes than ways, or fewer drawings of a class than presentations.
    """
    _check(characters, ways, presentations)
    classes = rng.choice(characters.classes, ways, replace=False)  # [N] the class behind each label
    every = np.tile(np.arange(characters.drawers), (ways, 1))  # [N, drawers]
    drawers = rng.permuted(every, axis=1)[:, :presentations]  # [N, R] no drawing twice
    sources = characters.sources(classes[:, None], drawers).T  # [R, N] in the order of the labels

    labels = np.tile(np.arange(ways), (presentations, 1))  # [R, N]
    labels = rng.permuted(labels, axis=1)  # each round in an order of its own
    rounds = np.repeat(np.arange(presentations)[:, None], ways, axis=1)  # [R, N]
    return Episode(np.take_along_axis(sources, labels, axis=1), labels, rounds)


def side_by_side(characters: Characters, *, episodes: int, ways: int, presentations: int,
                 rng: np.random.Generator) -> Episode:
    """The released code's episode batch: independent episodes side by side, one drawing of each a call.

    All share one memory, which tells them apart by their labels: class n of episode b is b * N + n. (Two
    episodes may draw the same class, and then it goes by two labels; the released code does so too.)

    Parameters
    ----------
    episodes : int
        How many at once; the batch of a call. Released: 16.
    ways : int
        N. Released: 5.
    presentations : int
        Released: 6, the length of 30 calls over 5 ways.

    Returns
    -------
    Episode
        sources, labels, rounds : [ways * presentations, episodes]

    Raises
    ------
    ValueError
        As `in_rounds`, or if `episodes` is not positive.
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes}")
    plans = [in_rounds(characters, ways=ways, presentations=presentations, rng=rng) for _ in range(episodes)]
    sources, labels, rounds = (np.stack([field.reshape(-1) for field in fields], axis=1)  # [calls, episodes]
                               for fields in zip(*plans, strict=True))
    return Episode(sources, labels + ways * np.arange(episodes), rounds)


def _check(characters: Characters, ways: int, presentations: int) -> None:
    if ways < 1 or presentations < 1:
        raise ValueError(f"ways and presentations must be at least 1, got {ways} and {presentations}")
    if ways > characters.classes:
        raise ValueError(f"an episode of {ways} ways needs as many classes, "
                         f"and there are only {characters.classes}")
    if presentations > characters.drawers:
        raise ValueError(f"{presentations} presentations need as many drawings of each class, "
                         f"and there are only {characters.drawers}")
