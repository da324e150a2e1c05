"""Additive attention for speed: a twin of `additive_attention` for NumPy.

The hidden layer [B, T, S, A] is by far the largest thing there is. It is made sentence by sentence, so that each part
is still in cache when the next step wants it, and without a transcendental function for each of its elements: with
r = 1 / (1 + exp(-2 (p + u))), where p = W_1 y_t and u = W_2 x_s,

    tanh(p + u) = 2 r - 1        exp(-2 (p + u)) = exp(-2 p) exp(-2 u)

and the exponentials are as few as the p and the u. Kept is r. It gives

    e_ts = 2 v . r_ts less a constant, which softmax does not see        1 - tanh^2 = 4 r (1 - r).
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops import softmax
from refmem.ops.additive_attention import check_arguments, check_gradient

FAR = 40.0
"""Beyond this, exp(-2 p) may leave the range of float32, and zero times infinity be asked for."""


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    queries: Array  # [B, T, Q] y
    annotations: Array  # [B, S, D] x
    w_query: Array  # [Q, A] W_1
    w_source: Array  # [D, A] W_2
    v: Array  # [A]
    logistic: Array  # [B, T, S, A] r
    weights: softmax.Cache  # [B, T, S] alpha


def forward(queries: Array, annotations: Array, w_query: Array, w_source: Array, v: Array,
            mask: Array | None = None) -> tuple[Array, Cache]:
    """As `additive_attention.forward`; NumPy arrays alone."""
    if module_of(queries, "queries") is not np:
        raise TypeError("this twin of additive_attention runs on NumPy arrays, got one of "
                        f"{module_of(queries).__name__}")
    check_arguments(queries, annotations, w_query, w_source, v, mask)
    (batch, steps, _), length, width, number = queries.shape, annotations.shape[1], len(v), queries.dtype.type
    p = (_rows(queries) @ w_query).reshape(batch, steps, width)
    u = (_rows(annotations) @ w_source).reshape(batch, length, width)
    near = max(np.abs(p).max(initial=0), np.abs(u).max(initial=0)) < FAR
    if near:
        p, u = np.exp(number(-2) * p), np.exp(number(-2) * u)
    logistic = np.empty((batch, steps, length, width), queries.dtype)
    scores = np.empty((batch, steps, length), queries.dtype)
    twice = number(2) * v
    with np.errstate(over="ignore"):  # a product that is infinite is one over which is zero
        for b, r in enumerate(logistic):  # [T, S, A]
            if near:
                np.multiply(p[b, :, None], u[b], out=r)
                r += number(1)
                np.divide(number(1), r, out=r)
            else:
                np.add(p[b, :, None], u[b], out=r)
                np.tanh(r, out=r)
                r += number(1)
                r *= number(0.5)
            np.matmul(r.reshape(steps * length, width), twice, out=scores[b].reshape(steps * length))
    if mask is not None:
        np.copyto(scores, number(-np.inf), where=~mask[:, None, :])
    alpha, weights = softmax.forward(scores)  # [B, T, S]
    return alpha @ annotations, Cache(queries, annotations, w_query, w_source, v, logistic, weights)


def backward(d_context: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """As `additive_attention.backward`."""
    queries, annotations, w_query, w_source, v, logistic, weights = cache
    check_gradient(d_context, queries, annotations)
    batch, steps, length, width = logistic.shape
    d_scores = softmax.backward(d_context @ annotations.transpose(0, 2, 1), weights)  # [B, T, S]
    d_v = 2 * (d_scores.reshape(-1) @ logistic.reshape(d_scores.size, width)) - d_scores.sum()  # [A]
    d_p, d_u = np.empty((batch, steps, width), v.dtype), np.empty((batch, length, width), v.dtype)
    slope = np.empty((steps, length, width), v.dtype)  # r (1 - r)
    for b, d in enumerate(d_scores):  # [T, S]
        np.subtract(1, logistic[b], out=slope)
        slope *= logistic[b]
        np.matmul(d[:, None, :], slope, out=d_p[b, :, None, :])
        np.matmul(d.T[:, None, :], slope.swapaxes(0, 1), out=d_u[b, :, None, :])
    four = v.dtype.type(4) * v
    d_p *= four
    d_u *= four
    d_queries = (_rows(d_p) @ w_query.T).reshape(queries.shape)
    d_annotations = (_rows(d_u) @ w_source.T).reshape(annotations.shape)
    d_annotations += weights.y.transpose(0, 2, 1) @ d_context
    return d_queries, d_annotations, _rows(queries).T @ _rows(d_p), _rows(annotations).T @ _rows(d_u), d_v


def _rows(x: Array) -> Array:
    """[B, T, D] as [B T, D]."""
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])
