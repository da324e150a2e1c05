"""Additive attention for speed: a twin of `additive_attention` for NumPy.

The hidden layer [B, T, S, A] is by far the largest thing there is. It is made sentence by sentence, so that each part
is still in cache when the next step wants it, and its slope 1 - hidden^2 is never written down: with w = hidden^2,

    sum_s de_ts (1 - w_tsa) = sum_s de_ts - sum_s de_ts w_tsa,

where the last sum is a product of matrices, and so it is for the sum over t.
"""

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops import softmax
from refmem.ops.additive_attention import Cache, check_arguments, check_gradient


def forward(queries: Array, sources: Array, w_query: Array, w_source: Array, v: Array,
            mask: Array | None = None) -> tuple[Array, Cache]:
    """As `additive_attention.forward`; NumPy arrays alone."""
    if module_of(queries, "queries") is not np:
        raise TypeError(f"this twin of additive_attention runs on NumPy arrays, got one of "
                        f"{module_of(queries).__name__}")
    check_arguments(queries, sources, w_query, w_source, v, mask)
    (batch, steps, _), length = queries.shape, sources.shape[1]
    of_queries, of_sources = _rows(queries) @ w_query, _rows(sources) @ w_source
    of_queries, of_sources = of_queries.reshape(batch, steps, -1), of_sources.reshape(batch, length, -1)
    hidden = np.empty((batch, steps, length, len(v)), queries.dtype)
    scores = np.empty((batch, steps, length), queries.dtype)
    for b, of_sentence in enumerate(hidden):
        np.add(of_queries[b, :, None, :], of_sources[b], out=of_sentence)
        np.tanh(of_sentence, out=of_sentence)
        np.matmul(of_sentence.reshape(steps * length, len(v)), v, out=scores[b].reshape(steps * length))
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask[:, None, :])
    alpha, weights = softmax.forward(scores)  # [B, T, S]
    return alpha @ sources, Cache(queries, sources, w_query, w_source, v, hidden, weights)


def backward(d_context: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """As `additive_attention.backward`."""
    queries, sources, w_query, w_source, v, hidden, weights = cache
    check_gradient(d_context, cache)
    batch, steps, length, width = hidden.shape
    d_scores = softmax.backward(d_context @ sources.transpose(0, 2, 1), weights)  # [B, T, S]
    d_v = d_scores.reshape(-1) @ hidden.reshape(d_scores.size, width)  # [A]
    d_of_queries = np.empty((batch, steps, width), v.dtype)
    d_of_sources = np.empty((batch, length, width), v.dtype)
    squares = np.empty((steps, length, width), v.dtype)
    for b, d in enumerate(d_scores):  # [T, S]
        np.multiply(hidden[b], hidden[b], out=squares)
        np.matmul(d[:, None, :], squares, out=d_of_queries[b, :, None, :])
        np.matmul(d.T[:, None, :], squares.swapaxes(0, 1), out=d_of_sources[b, :, None, :])
    np.subtract(d_scores.sum(axis=2)[:, :, None], d_of_queries, out=d_of_queries)
    np.subtract(d_scores.sum(axis=1)[:, :, None], d_of_sources, out=d_of_sources)
    d_of_queries *= v
    d_of_sources *= v
    d_queries = (_rows(d_of_queries) @ w_query.T).reshape(queries.shape)
    d_sources = (_rows(d_of_sources) @ w_source.T).reshape(sources.shape)
    d_sources += weights.y.transpose(0, 2, 1) @ d_context
    return d_queries, d_sources, _rows(queries).T @ _rows(d_of_queries), _rows(sources).T @ _rows(d_of_sources), d_v


def _rows(x: Array) -> Array:
    """[B, T, D] as [B T, D]."""
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])
