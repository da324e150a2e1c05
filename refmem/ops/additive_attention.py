"""Additive attention: where in the source to look, and what is found there.

    e_ts = v^T tanh(W_1 y_t + W_2 x_s)
    alpha_t = softmax_s(e_t), over the true tokens of the source alone
    a_t = sum_s alpha_ts x_s

y_t is the state of the decoder, x_s the annotation of source token s (Bahdanau et al. 2015; GNMT §3). The memory of
LTRRE §2.1 is queried with a_t.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops import softmax


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    queries: Array  # [B, T, Q] y
    annotations: Array  # [B, S, D] x
    w_query: Array  # [Q, A] W_1
    w_source: Array  # [D, A] W_2
    v: Array  # [A]
    hidden: Array  # [B, T, S, A] tanh(W_1 y_t + W_2 x_s)
    weights: softmax.Cache  # [B, T, S] alpha


def forward(queries: Array, annotations: Array, w_query: Array, w_source: Array, v: Array,
            mask: Array | None = None) -> tuple[Array, Cache]:
    """The context of each query.

    Parameters
    ----------
    queries : [B, T, Q] float
    annotations : [B, S, D], dtype of `queries`
        S >= 1.
    w_query : [Q, A], dtype of `queries`
    w_source : [D, A], dtype of `queries`
    v : [A], dtype of `queries`
    mask : [B, S] bool, optional
        True at tokens, False at padding; at least one token a row. None: no padding. Not differentiated.

    Returns
    -------
    context : [B, T, D], dtype of `queries`
    cache : Cache
        `cache.weights.y` is alpha [B, T, S], exactly 0 at padding.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a row of `mask` has no token.
    TypeError
        If `queries` is not float32 or float64, the others are of another dtype, or `mask` is not of bools.
    """
    check_arguments(queries, annotations, w_query, w_source, v, mask)
    xp = module_of(queries)
    of_queries, of_annotations = queries @ w_query, annotations @ w_source  # [B, T, A], [B, S, A]
    # spec: additive_attention.scores -- e_ts = v^T tanh(W_1 y_t + W_2 x_s) (GNMT)
    hidden = xp.tanh(of_queries[:, :, None, :] + of_annotations[:, None, :, :])  # [B, T, S, A]
    scores = hidden @ v  # [B, T, S]
    if mask is not None:
        # spec: additive_attention.padding -- padding has no share: softmax over the true tokens alone
        scores = xp.where(mask[:, None, :], scores, scores.dtype.type(-xp.inf))
    alpha, weights = softmax.forward(scores)  # [B, T, S]
    # spec: additive_attention.context -- a_t = sum_s alpha_ts x_s (GNMT)
    context = alpha @ annotations  # [B, T, D]
    return context, Cache(queries, annotations, w_query, w_source, v, hidden, weights)


def check_arguments(queries: Array, annotations: Array, w_query: Array, w_source: Array, v: Array,
                    mask: Array | None) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("queries", queries)
    check_rank("queries", queries, 3)
    check_rank("annotations", annotations, 3)
    check_rank("v", v, 1)
    batch, length, width = annotations.shape
    check_shape("annotations", annotations, (queries.shape[0], length, width))
    check_shape("w_query", w_query, (queries.shape[2], v.shape[0]))
    check_shape("w_source", w_source, (width, v.shape[0]))
    for name, array in (("annotations", annotations), ("w_query", w_query), ("w_source", w_source), ("v", v)):
        check_dtype(name, array, queries.dtype)
    if length == 0:
        raise ValueError(f"annotations must have at least one token, got shape {annotations.shape}")
    if mask is not None:
        check_shape("mask", mask, (batch, length))
        check_dtype("mask", mask, bool)
        if not bool(mask.any(axis=1).all()):
            raise ValueError("mask must leave at least one source token in each row, got a row without any")


# Backwards from a_t = sum_s alpha_ts x_s:
#
#     d alpha_ts = <da_t, x_s>        de_t = the softmax's (0 where alpha is 0: padding gets nothing)
#     dv = sum_bts de_ts hidden_ts    d_sum_ts = de_ts v (1 - hidden_ts^2)
#
# The sum of y_t W_1 and x_s W_2 hands d_sum to y_t, once for each s, and to x_s, once for each t; x_s is given its
# share of a_t besides:
#
#     dy_t = (sum_s d_sum_ts) W_1^T    dW_1 = sum_bt y_t^T (sum_s d_sum_ts)
#     dx_s = (sum_t d_sum_ts) W_2^T + sum_t alpha_ts da_t    dW_2 = sum_bs x_s^T (sum_t d_sum_ts).


# spec: additive_attention.gradient -- x_s is reached through its score, and through its share (derived)
def backward(d_context: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_context : [B, T, D]
        Gradient of the loss with respect to `context`.

    Returns
    -------
    d_queries : [B, T, Q]
    d_annotations : [B, S, D]
    d_w_query : [Q, A]
    d_w_source : [D, A]
    d_v : [A]
    """
    queries, annotations, w_query, w_source, v, hidden, weights = cache
    check_gradient(d_context, queries, annotations)
    d_alpha = d_context @ annotations.transpose(0, 2, 1)  # [B, T, S]
    d_scores = softmax.backward(d_alpha, weights)  # [B, T, S]
    d_v = d_scores.reshape(-1) @ hidden.reshape(d_scores.size, v.shape[0])  # [A]
    d_sum = d_scores[..., None] * v * (1 - hidden * hidden)  # [B, T, S, A]
    d_of_queries, d_of_annotations = d_sum.sum(axis=2), d_sum.sum(axis=1)  # [B, T, A], [B, S, A]
    d_annotations = d_of_annotations @ w_source.T + weights.y.transpose(0, 2, 1) @ d_context  # [B, S, D]
    return (d_of_queries @ w_query.T, d_annotations, _product(queries, d_of_queries),
            _product(annotations, d_of_annotations), d_v)


def check_gradient(d_context: Array, queries: Array, annotations: Array) -> None:
    """Raise a `ValueError` or `TypeError` unless `d_context` is a gradient of what a forward pass made of these."""
    check_shape("d_context", d_context, (*queries.shape[:2], annotations.shape[2]))
    check_dtype("d_context", d_context, queries.dtype)


def _product(x: Array, dy: Array) -> Array:
    """sum_bt x_bt^T dy_bt: [D, A]."""
    batch, length, width = x.shape
    product: Array = x.reshape(batch * length, width).T @ dy.reshape(batch * length, dy.shape[2])
    return product
