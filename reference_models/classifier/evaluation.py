"""How well a trained network learns classes that it has never seen.              (LTRRE §4)

An episode takes N unseen classes and an empty memory. The memory answers each drawing and is then told the truth,
which it stores. K-shot accuracy is that of the answers when a class is shown for the (K+1)-th time. Two protocols:

    "online"   one drawing at a time, as the released code does: later drawings of a round meet what earlier ones of
               the same round have just written, which makes it a little harder
    "rounds"   a presentation round is one batch, answered by the memory as it was before: K-shot answers rest on K
               drawings of every class and nothing else, as in the tables of the few-shot literature

The embedding of a drawing does not depend on the episode. So all drawings are embedded first, each once and in large
batches, and the episodes run on the memory alone.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refmem.memory.memory import Memory

from reference_models.classifier import Classifier
from reference_models.tasks.one_shot import episodes
from reference_models.tasks.one_shot.characters import Array, Characters, Scale

PROTOCOLS = ("online", "rounds")
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


def fresh_memory(classifier: Classifier, memory_size: int, *, search: str = "exact") -> Memory:
    """An empty memory that reads as the classifier's own does, except that no label hints at its slot.

    The released code evaluates without that hint too. Under its rules the memory keeps the size it was trained with,
    since empty slots take part in every answer; under the paper's they do not, and `memory_size` slots are enough.
    `search` is how it finds neighbours, a name of `refmem.neighbours`.
    """
    own = classifier.memory
    slots = memory_size if own.profile.rules == "paper" else max(memory_size, own.memory_size)
    memory = Memory(own.key_dim, slots, profile=dataclasses.replace(own.profile, recent_hint=False), dtype=own.dtype,
                    search=search)
    for name, w in own.params.items():
        memory.params[name] = w.copy()
    return memory


def plans(characters: Characters, *, ways: int, shots: int, count: int,
          rng: np.random.Generator) -> list[episodes.Episode]:
    """`count` episodes of this width, up to this many shots."""
    return [episodes.in_rounds(characters, ways=ways, presentations=shots + 1, rng=rng) for _ in range(count)]


def few_shot(memory: Memory, queries: Array, plans: list[episodes.Episode], *, protocol: str = "online",
             rng: np.random.Generator | None = None, progress: Callable[[float], None] = lambda done: None) -> FewShot:
    """Run the episodes, each from an empty memory.

    Parameters
    ----------
    memory : Memory
        With room for every drawing of an episode.
    queries : [sources, d]
        From `embed`.
    plans : list of Episode
        All of the same ways and shots; each presentation round one row.
    protocol : "online" or "rounds"
        See above.
    rng : numpy Generator, optional
        For the age noise of the memory.

    Returns
    -------
    FewShot
    """
    rounds, ways = plans[0].labels.shape
    right = np.zeros((len(plans), rounds))
    for e, plan in enumerate(plans):
        right[e] = answers(memory, queries, plan, protocol=protocol, rng=rng).mean(axis=1)
        progress((e + 1) / len(plans))
    accuracy, half_width = mean_and_half_width(right[:, 1:])  # the first round can only be guessed
    return FewShot(ways, np.arange(1, rounds), accuracy, half_width, len(plans))


def mean_and_half_width(samples: Array) -> tuple[Array, Array]:
    """Mean over the rows [n, S], and half the width of its 95 % interval: 1.96 standard errors, NaN for one row.

    Rows are independent; the mean of many is nearly normal whatever a single one is.
    """
    n = len(samples)
    spread = samples.std(axis=0, ddof=1) if n > 1 else np.full(samples.shape[1:], np.nan)
    return samples.mean(axis=0), 1.96 * spread / np.sqrt(n)


def answers(memory: Memory, queries: Array, plan: episodes.Episode, *, protocol: str = "online",
            rng: np.random.Generator | None = None) -> Array:
    """[rounds, ways] bool: whether each drawing of the episode was recognised, from an empty memory on."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
    memory.clear()
    at_once = plan.labels.shape[1] if protocol == "rounds" else 1
    labels, sources = (field.reshape(-1, at_once) for field in (plan.labels, plan.sources))  # [calls, at_once]
    right = np.empty(labels.shape, bool)
    for call, (told, shown) in enumerate(zip(labels, sources, strict=True)):
        output, _ = memory.forward(queries[shown], told, rng=rng)
        right[call] = output.values == told
    return right.reshape(plan.labels.shape)
