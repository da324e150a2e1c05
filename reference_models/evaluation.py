"""How well a trained network learns classes that it has never seen.              (LTRRE §4)

An episode takes N unseen classes and an empty memory. The drawings come one at a time; the memory answers each and is
then told the truth, which it stores. K-shot accuracy is that of the answers when a class is shown for the (K+1)-th time.

The network is only needed once a drawing: its embedding does not depend on the episode. So all drawings are embedded
first, in large batches, and the episodes run on the memory alone.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refmem.memory.memory import Memory

from reference_models.classifier import Classifier
from reference_models.tasks import episodes
from reference_models.tasks.characters import Array, Characters, Scale

BATCH = 160  # drawings embedded at once


class FewShot(NamedTuple):
    """Accuracy over many episodes of one width."""

    ways: int
    shots: Array  # [S] 1 .. S
    accuracy: Array  # [S] mean over the episodes
    half_width: Array  # [S] of its 95 % confidence interval: 1.96 standard errors of that mean
    episodes: int


def embed(classifier: Classifier, characters: Characters, *, scale: Scale, sources: Array | None = None,
          progress: Callable[[float], None] = lambda done: None) -> Array:
    """The query of every drawing, [classes * drawers, d], in the order of the sources.

    With `sources` only those are computed, and the other rows are NaN, which no memory takes.
    """
    wanted = np.arange(characters.classes * characters.drawers) if sources is None else np.unique(sources)
    queries = np.full((characters.classes * characters.drawers, classifier.memory.key_dim), np.nan, np.float32)
    for start in range(0, len(wanted), BATCH):
        part = wanted[start:start + BATCH]
        queries[part] = classifier.embed(characters.batch(part, scale=scale))
        progress((start + len(part)) / len(wanted))
    return queries


def fresh_memory(classifier: Classifier, memory_size: int) -> Memory:
    """An empty memory that reads as the classifier's own does, except that no label hints at its slot.

    The released code evaluates without that hint too; its profile keeps the memory size it was trained with, since its empty
    slots take part in every answer. The paper's do not, and there `memory_size` slots are enough.
    """
    own = classifier.memory
    slots = memory_size if own.profile.rules == "paper" else max(memory_size, own.memory_size)
    memory = Memory(own.key_dim, slots, profile=dataclasses.replace(own.profile, recent_hint=False), dtype=own.dtype)
    for name, w in own.params.items():
        memory.params[name] = w.copy()
    return memory


def plans(characters: Characters, *, ways: int, shots: int, count: int,
          rng: np.random.Generator) -> list[episodes.Episode]:
    """`count` episodes of this width, up to this many shots."""
    return [episodes.in_rounds(characters, ways=ways, presentations=shots + 1, rng=rng) for _ in range(count)]


def few_shot(memory: Memory, queries: Array, plans: list[episodes.Episode], *, rng: np.random.Generator | None = None,
             progress: Callable[[float], None] = lambda done: None) -> FewShot:
    """Run the episodes online, one drawing at a time, each from an empty memory.

    Parameters
    ----------
    memory : Memory
        With room for every drawing of an episode.
    queries : [sources, d]
        From `embed`.
    plans : list of Episode
        All of the same ways and shots; each presentation round one row.
    rng : numpy Generator, optional
        For the age noise of the memory.

    Returns
    -------
    FewShot
    """
    rounds, ways = plans[0].labels.shape
    right = np.zeros((len(plans), rounds))
    for e, plan in enumerate(plans):
        right[e] = answers(memory, queries, plan, rng=rng).mean(axis=1)
        progress((e + 1) / len(plans))
    shots = right[:, 1:]  # the first round can only be guessed
    spread = shots.std(axis=0, ddof=1) if len(plans) > 1 else np.full(rounds - 1, np.nan)
    return FewShot(ways, np.arange(1, rounds), shots.mean(axis=0), 1.96 * spread / np.sqrt(len(plans)), len(plans))


def answers(memory: Memory, queries: Array, plan: episodes.Episode, *,
            rng: np.random.Generator | None = None) -> Array:
    """[rounds, ways] bool: whether each drawing of the episode was recognised, from an empty memory on."""
    memory.clear()
    right = np.empty(plan.labels.shape, bool)
    for where in np.ndindex(plan.labels.shape):
        label = plan.labels[where]
        output, _ = memory.forward(queries[plan.sources[where]][None], label[None], rng=rng)
        right[where] = output.values[0] == label
    return right
