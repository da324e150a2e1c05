"""Additive attention for speed: a twin of `additive_attention` for NumPy.

The hidden layer [B, T, S, A] is by far the largest thing there is, and it is never kept: it is made sentence by
sentence, in cache, once forwards and once again backwards. That is cheap, since it takes no transcendental function
for each of its elements: with r = 1 / (1 + exp(-2 (p + u))), where p = W_1 y_t and u = W_2 x_s,

    tanh(p + u) = 2 r - 1        exp(-2 (p + u)) = exp(-2 p) exp(-2 u)

and the exponentials are as few as the p and the u. They give

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
    p: Array  # [B, T, A] exp(-2 p), or p itself where `near` is false
    u: Array  # [B, S, A]
    near: bool
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
    near = bool(max(np.abs(p).max(initial=0), np.abs(u).max(initial=0)) < FAR)
    if near:
        p, u = np.exp(number(-2) * p), np.exp(number(-2) * u)
    r = np.empty((steps, length, width), queries.dtype)
    scores = np.empty((batch, steps, length), queries.dtype)
    twice = number(2) * v
    for b in range(batch):
        _logistic(p[b], u[b], near, r)
        np.matmul(r.reshape(steps * length, width), twice, out=scores[b].reshape(steps * length))
    if mask is not None:
        np.copyto(scores, number(-np.inf), where=~mask[:, None, :])
    alpha, weights = softmax.forward(scores)  # [B, T, S]
    return alpha @ annotations, Cache(queries, annotations, w_query, w_source, v, p, u, near, weights)


def backward(d_context: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """As `additive_attention.backward`."""
    queries, annotations, w_query, w_source, v, p, u, near, weights = cache
    check_gradient(d_context, queries, annotations)
    (_, steps, width), length = p.shape, u.shape[1]
    d_scores = softmax.backward(d_context @ annotations.transpose(0, 2, 1), weights)  # [B, T, S]
    d_v = np.full(width, -d_scores.sum(), v.dtype)
    d_p, d_u = np.empty(p.shape, v.dtype), np.empty(u.shape, v.dtype)
    r, slope = (np.empty((steps, length, width), v.dtype) for _ in range(2))
    for b, d in enumerate(d_scores):  # [T, S]
        _logistic(p[b], u[b], near, r)
        d_v += 2 * (d.reshape(steps * length) @ r.reshape(steps * length, width))
        np.subtract(1, r, out=slope)
        slope *= r  # r (1 - r)
        np.matmul(d[:, None, :], slope, out=d_p[b, :, None, :])
        np.matmul(d.T[:, None, :], slope.swapaxes(0, 1), out=d_u[b, :, None, :])
    four = v.dtype.type(4) * v
    d_p *= four
    d_u *= four
    d_queries = (_rows(d_p) @ w_query.T).reshape(queries.shape)
    d_annotations = (_rows(d_u) @ w_source.T).reshape(annotations.shape)
    d_annotations += weights.y.transpose(0, 2, 1) @ d_context
    return d_queries, d_annotations, _rows(queries).T @ _rows(d_p), _rows(annotations).T @ _rows(d_u), d_v


def _logistic(p: Array, u: Array, near: bool, out: Array) -> None:
    """r [T, S, A] of one sentence."""
    one, half = out.dtype.type(1), out.dtype.type(0.5)
    if near:
        with np.errstate(over="ignore"):  # a product that is infinite is one over which is zero
            np.multiply(p[:, None], u, out=out)
        out += one
        np.divide(one, out, out=out)
    else:
        np.add(p[:, None], u, out=out)
        np.tanh(out, out=out)
        out += one
        out *= half


def _rows(x: Array) -> Array:
    """[B, T, D] as [B T, D]."""
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])
