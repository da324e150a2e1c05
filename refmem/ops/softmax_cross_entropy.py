"""Softmax and cross-entropy in one: how surprising the right label is.

    loss_b = -log softmax(logits_b)[label_b] = log sum_j exp(logits_bj) - logits_b[label_b]

Fused because the pair is more exact than its parts: no probability is rounded to 0 before its logarithm is taken.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_labels, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    probabilities: Array  # [B, C] softmax(logits)
    target: Array  # [B, C] bool, true at the label


# spec: softmax_cross_entropy.forward -- loss_b = log sum_j exp(logits_bj) - logits_b[label_b], one a row
#     (GNMT)
def forward(logits: Array, labels: Array) -> tuple[Array, Cache]:
    """The cross-entropy of each row.

    Parameters
    ----------
    logits : [B, C] float
        Unnormalised scores, C >= 1.
    labels : [B] int
        The right column of each row, in 0..C-1. Carries no gradient.

    Returns
    -------
    loss : [B], dtype of `logits`
        One for each row; neither summed nor averaged.
    cache : Cache

    Raises
    ------
    ValueError
        If a shape is wrong or a label out of range.
    TypeError
        If `logits` is not float32 or float64, or `labels` not of integers.
    """
    check_float("logits", logits)
    check_rank("logits", logits, 2)
    batch, classes = logits.shape
    if classes == 0:
        raise ValueError(f"logits must have at least one column, got shape {logits.shape}")
    check_labels("labels", labels, batch, classes)
    xp = module_of(logits)

    # spec: softmax_cross_entropy.large-scores -- the largest score is taken off first: no probability is
    #     rounded to 0
    shifted = logits - logits.max(axis=1, keepdims=True)  # [B, C], at most 0
    e = xp.exp(shifted)  # [B, C]
    total = e.sum(axis=1, keepdims=True)  # [B, 1], at least 1
    target = xp.arange(classes) == labels[:, None]  # [B, C]
    of_label = xp.where(target, shifted, xp.zeros_like(shifted)).sum(axis=1)  # [B]
    loss = xp.log(total[:, 0]) - of_label  # [B]
    return loss, Cache(e / total, target)


# d loss_b / d logits_bj = softmax(logits_b)_j - [j = label_b], so
#
#     d_logits_bj = d_loss_b (p_bj - [j = label_b]).


# spec: softmax_cross_entropy.gradient -- d_logits = d_loss (softmax(logits) - one-hot(label)) (derived)
def backward(d_loss: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_loss : [B]
        Gradient of the objective with respect to each row's loss; 1/B for their mean.

    Returns
    -------
    d_logits : [B, C]
    """
    p, target = cache
    check_shape("d_loss", d_loss, p.shape[:1])
    check_dtype("d_loss", d_loss, p.dtype)
    d_logits: Array = d_loss[:, None] * (p - target.astype(p.dtype))  # [B, C]
    return d_logits
