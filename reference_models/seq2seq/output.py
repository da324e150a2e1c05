"""From the top of the decoder to the loss: the softmax over the vocabulary, at the true positions alone.

    logits = z W + b        loss = sum of the cross-entropies of the N positions, with label smoothing

"plain" is `linear` and then `masked_cross_entropy`. "fused" works through the positions in chunks, and makes the
gradients while a chunk's logits are at hand: [N, V] never exists, and each logit is touched a few times in cache.
(The loss is a plain sum, so that its gradient needs no cotangent but one number, which can come later.)
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops import linear, masked_cross_entropy

from reference_models.parallel import data_parallel

CHUNK = 128  # positions


class Losses(NamedTuple):
    """What the softmax says of N positions."""

    token_loss: Array  # [N]
    right: Array  # [N] bool, whether the label scores highest


class Cache(NamedTuple):
    """The gradients of the sum of the losses."""

    dz: Array  # [N, E]
    d_weights: Array  # [E, V]
    d_bias: Array  # [V]


class PlainCache(NamedTuple):
    """What the plain form needs for its backward pass."""

    linear: linear.Cache
    loss: masked_cross_entropy.Cache


def forward(z: Array, weights: Array, bias: Array, labels: Array, *, smoothing: float = 0.0, twin: str = "plain",
            shards: int = 1, gradients: bool = True) -> tuple[Losses, Cache | PlainCache | None]:
    """Losses of N positions.

    Parameters
    ----------
    z : [N, E] float
    weights : [E, V]
    bias : [V]
    labels : [N] int
    smoothing : float
        As in `masked_cross_entropy`.
    twin : "plain" or "fused"
    shards : int
        Into how many parts the fused form splits the positions.
    gradients : bool
        False: the fused form makes none, for evaluation.

    Returns
    -------
    losses : Losses
    cache : for `backward`; None without gradients
    """
    if twin == "plain":
        logits, of_linear = linear.forward(z, weights, bias)
        loss, of_loss = masked_cross_entropy.forward(logits, labels, smoothing=smoothing)
        return Losses(loss, logits.argmax(axis=1) == labels), PlainCache(of_linear, of_loss)
    parts = data_parallel.split(len(z), shards)
    done = data_parallel.run(
        lambda rows: _chunks(z[rows], weights, bias, labels[rows], smoothing, gradients), parts)
    xp = module_of(z)
    losses = Losses(*(xp.concatenate([part[i] for part, _ in done]) for i in range(2)))
    if not gradients:
        return losses, None
    first, *others = [cache for _, cache in done if cache is not None]
    for other in others:
        first.d_weights[...] += other.d_weights
        first.d_bias[...] += other.d_bias
    dz = xp.concatenate([cache.dz for _, cache in done if cache is not None])
    return losses, Cache(dz, first.d_weights, first.d_bias)


def backward(d_loss: float, cache: Cache | PlainCache) -> tuple[Array, Array, Array]:
    """dz [N, E], d_weights [E, V] and d_bias [V], where each position's loss counts `d_loss` times."""
    if isinstance(cache, PlainCache):
        p = cache.loss.probabilities
        each = module_of(p).full(p.shape[:1], d_loss, dtype=p.dtype)
        return linear.backward(masked_cross_entropy.backward(each, cache.loss), cache.linear)
    scale = cache.dz.dtype.type(d_loss)
    return scale * cache.dz, scale * cache.d_weights, scale * cache.d_bias


def _chunks(z: Array, weights: Array, bias: Array, labels: Array, smoothing: float,
            gradients: bool) -> tuple[Losses, Cache | None]:
    """One shard of the fused form: NumPy, in place."""
    (n, width), classes, number = z.shape, len(bias), z.dtype.type
    token_loss, right = np.empty(n, z.dtype), np.empty(n, bool)
    dz = np.empty_like(z)
    d_weights, d_bias = np.zeros((width, classes), z.dtype), np.zeros(classes, z.dtype)
    room = np.empty((min(n, CHUNK), classes), z.dtype)  # the logits, and then their gradient
    for start in range(0, n, CHUNK):
        rows = slice(start, min(n, start + CHUNK))
        count = np.arange(rows.stop - rows.start)
        p = np.matmul(z[rows], weights, out=room[:len(count)])  # [n, V]
        p += bias
        p -= p.max(axis=1, keepdims=True)  # at most 0
        of_label = p[count, labels[rows]]
        right[rows] = of_label == 0
        mean = p.mean(axis=1) if smoothing else 0
        np.exp(p, out=p)
        total = p.sum(axis=1, keepdims=True)
        # -sum_j q_j log p_j = log total - (1 - eps) logit_label - eps mean_j logit_j
        token_loss[rows] = np.log(total[:, 0]) - number(1 - smoothing) * of_label - number(smoothing) * mean
        if gradients:
            p /= total
            p[count, labels[rows]] -= number(1 - smoothing)
            if smoothing:
                p -= number(smoothing / classes)
            np.matmul(p, weights.T, out=dz[rows])
            d_weights += z[rows].T @ p
            d_bias += p.sum(axis=0)
    return Losses(token_loss, right), Cache(dz, d_weights, d_bias) if gradients else None
