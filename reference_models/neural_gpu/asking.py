"""Asking the memory for output t, and the way back to the image.    (LTRRE §2.1)

    q_t = d_t[position t, row 0]            or other choices                             (`queries`)
    v, c_1, margin loss = memory(q_t)       of the sequences that reach position t
    a_t = c_1 E'[v]                         what stands on position t of the tape

Back from da: dE'[v] = c_1 da, dc_1 = <da, E'[v]>, and through the confidence and with the margin loss the query.
"""

from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.memory.memory import Memory
from refmem.ops import embedding

from reference_models.neural_gpu import queries
from reference_models.neural_gpu.extended_size import ExtendedSize


class Asked(NamedTuple):
    """What the memory said to the sequences that asked, and what the way back needs to know."""

    rows: Array  # [rows] who asked
    found: Array  # [rows] V[n_1]
    confidence: Array  # [rows, k]
    values: Array  # [rows, m] E' V[n_1]
    loss: float  # the margin loss, 0 without labels
    query: queries.Cache
    memory: Any
    answered: embedding.Cache


def forward(memory: Memory, params: dict[str, Array], statistics: dict[str, Array], size: ExtendedSize, d: Array,
            t: int, wanted: Array | None, lengths: Array, *, update: bool,
            rng: np.random.Generator | None) -> tuple[Array, Asked]:
    """c_1 E' V[n_1] [B, m] for the rows whose sequence reaches position t, 0 for the others.

    Parameters
    ----------
    d : [B, n, w, m]
        d_t.
    wanted : [B, n] int, optional
        What the memory is taught where `update` is set, and held against.
    lengths : [B] int
    """
    xp = module_of(d)
    query, place = queries.forward(params, statistics, d, t, rows=size.query_rows)
    rows = xp.flatnonzero(lengths > t)
    labels = None if wanted is None else wanted[rows, t]
    found, cache = memory.forward(query[rows], labels, update=update, rng=rng)
    # An empty memory answers -1 with confidence 0; any symbol times 0 is nothing.
    values, answered = embedding.forward(params["tape_embedding"], xp.maximum(found.values, 0))
    answer = xp.zeros((len(d), d.shape[3]), d.dtype)
    answer[rows] = values * found.confidence[:, :1]
    loss = 0.0 if found.loss is None else float(found.loss)
    return answer, Asked(rows, found.values, found.confidence, values, loss, place, cache, answered)


def backward(memory: Memory, d_answer: Array, asked: Asked, gradients: dict[str, Array], d_loss: float) -> Array:
    """dd [B, n, w, m]; adds the gradients of E', of the query's projection and of the memory's own parameters.

    Parameters
    ----------
    d_answer : [B, m]
    d_loss : float
        Of this step's margin loss.
    """
    xp = module_of(d_answer)
    da = d_answer[asked.rows]  # [rows, m]
    gradients["tape_embedding"] += embedding.backward(da * asked.confidence[:, :1], asked.answered)
    d_confidence = xp.zeros_like(asked.confidence)
    d_confidence[:, 0] = (da * asked.values).sum(axis=1)
    d_rows, d_memory = memory.backward(asked.memory, d_loss=d_loss, d_confidence=d_confidence)
    for name, gradient in d_memory.items():
        gradients[name] += gradient
    dq = xp.zeros((len(d_answer), d_rows.shape[1]), d_rows.dtype)
    dq[asked.rows] = d_rows
    return queries.backward(dq, asked.query, gradients)
