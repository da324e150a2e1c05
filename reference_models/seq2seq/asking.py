"""Asking the memory at every token of a batch, and teaching it; and the way back to the query.

    q = query(a, h)                      of each of N tokens                             (`query`)
    v, s_1, margin loss = memory(q)      the right token is what it is taught            (`refmem.memory`)

All tokens are one call: each is answered by the memory as it was before the batch.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.memory import memory as memory_module
from refmem.memory.memory import Memory, MemoryOutput

from reference_models.parallel import data_parallel
from reference_models.seq2seq import query as seq2seq_query
from reference_models.seq2seq.layers import Gradients, Params
from reference_models.seq2seq.query import Query


class Asked(NamedTuple):
    """The memory's answer, and how to go back."""

    answer: MemoryOutput
    query: seq2seq_query.Cache
    memory: memory_module.Cache


def forward(memory: Memory, params: Params, statistics: dict[str, Array], settings: Query, context: Array, top: Array,
            labels: Array, sources: Array | None, *, training: bool, update: bool,
            rng: np.random.Generator | None) -> Asked:
    """The memory's answer to N tokens, which are written where `update` is set.

    Parameters
    ----------
    context : [N, D]
    top : [N, H]
    labels : [N] int
        The right tokens.
    sources : [N] int or None
        Which training example each token is of.
    """
    with data_parallel.one_pool():
        q, of_query = seq2seq_query.forward(params, statistics, settings, context, top, training=training)
        for name in memory.params:  # an optimiser may have put a new array in the place of the old one
            memory.params[name] = params[name]
        answer, of_memory = memory.forward(q, labels, update=update, rng=rng, sources=sources)
    return Asked(answer, of_query, of_memory)


def backward(memory: Memory, asked: Asked, *, d_loss: float,
             d_confidence: Array | None) -> tuple[Gradients, Array | None, Array | None]:
    """The gradients of the parameters of query and memory, of `context` and of `top`: None where that had no part."""
    with data_parallel.one_pool():
        dq, d_memory = memory.backward(asked.memory, d_loss=d_loss, d_confidence=d_confidence)
        d_query, to_context, to_top = seq2seq_query.backward(dq, asked.query)
    return d_memory | d_query, to_context, to_top
