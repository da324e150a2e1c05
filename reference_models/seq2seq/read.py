"""How the memory's answer becomes a vector that the output can be made with.

    r = s_1 E(v)        s_1 the first softmax component, E the target embedding                  (LTRRE §2, §2.1)

LTRRE multiplies by s_1 "as a confidence signal". The released Neural GPU code mixes the right answer in while it
trains, which the paper does not: with probability `gold` a step (of all sentences) is given

    gold * dropout(E(right token)) + (1 - gold) * r.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of, to_device
from refmem.memory.memory import MemoryOutput
from refmem.ops import dropout, embedding

GOLD_KEEP = 0.7  # of the right token's embedding


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    vectors: Array  # [N, E] E(v)
    looked_up: embedding.Cache
    confidence: Array  # [N, k]
    kept: Array  # [N, 1] 1 - gold at the steps where it was mixed in, else 1
    gold: tuple[embedding.Cache, Array] | None  # and what the right vectors were scaled by [N, E]


def forward(table: Array, answer: MemoryOutput, labels: Array, step: Array, *, gold: float = 0.0,
            rng: np.random.Generator | None = None) -> tuple[Array, Cache]:
    """The vectors of N positions.

    Parameters
    ----------
    table : [V, E]
    answer : MemoryOutput
        An empty memory answers with confidence 0, and its vector is 0.
    labels : [N] int
        The right tokens.
    step : [N] int
        Which step of its sentence each position is.
    gold : float
        In [0, 1].
    rng : numpy.random.Generator, optional
        Needed where `gold` is not 0.

    Returns
    -------
    r : [N, E]
    cache : Cache
    """
    xp = module_of(table)
    vectors, looked_up = embedding.forward(table, xp.maximum(answer.values, 0))  # [N, E]
    found = answer.confidence[:, :1]  # [N, 1] s_1
    if not gold or rng is None:
        return found * vectors, Cache(vectors, looked_up, answer.confidence, xp.ones_like(found), None)
    mixed = np.where(rng.random(int(step.max()) + 1) < gold, gold, 0.0)  # [T] at which steps, and how much
    kept = to_device((1 - mixed).astype(table.dtype), table)[step][:, None]  # [N, 1]
    golden, of_golden = embedding.forward(table, labels)
    scale = (1 - kept) * dropout.draw(golden.shape, GOLD_KEEP, rng, like=golden)  # [N, E]
    return (kept * found * vectors + scale * golden,
            Cache(vectors, looked_up, answer.confidence, kept, (of_golden, scale)))


# r = kept s_1 E(v) + scale E(right):   d s_1 = kept <dr, E(v)>,   dE(v) = kept s_1 dr,   dE(right) = scale dr.


def backward(dr: Array, cache: Cache) -> tuple[Array, Array]:
    """Gradients of the confidence [N, k], of which the first column alone is not 0, and of the table [V, E]."""
    kept_dr = dr * cache.kept  # [N, E]
    d_confidence = module_of(dr).zeros_like(cache.confidence)
    d_confidence[:, 0] = (kept_dr * cache.vectors).sum(axis=1)
    d_table = embedding.backward(kept_dr * cache.confidence[:, :1], cache.looked_up)
    if cache.gold is not None:
        looked_up, scale = cache.gold
        d_table = d_table + embedding.backward(dr * scale, looked_up)
    return d_confidence, d_table
