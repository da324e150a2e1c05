"""Softmax cross-entropy for padded sequences, with label smoothing.

    loss = - sum_j q_j log softmax(logits)_j        q_j = (1 - eps) [j = label] + eps / C
    loss = 0 where there is padding

With eps = 0 and no padding it is `softmax_cross_entropy`. Smoothing (Szegedy et al. 2016) shares eps among all C
classes, the right one too, as PyTorch does. (The code released for the Neural GPU shares it among the C - 1 others.)
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_labels, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    probabilities: Array  # [..., C] softmax(logits)
    target: Array  # [..., C] q
    mask: Array | None  # [...] bool


def forward(logits: Array, labels: Array, mask: Array | None = None, *,
            smoothing: float = 0.0) -> tuple[Array, Cache]:
    """The cross-entropy of each row.

    Parameters
    ----------
    logits : [..., C] float
        Unnormalised scores, C >= 1.
    labels : [...] int
        The right class of each row, in 0..C-1. At padding any integer. Not differentiated.
    mask : [...] bool, optional
        True at tokens, False at padding. None: no padding. Not differentiated.
    smoothing : float
        eps in [0, 1).

    Returns
    -------
    loss : [...], dtype of `logits`
        One for each row, 0 at padding; neither summed nor averaged.
    cache : Cache

    Raises
    ------
    ValueError
        If a shape is wrong, a label out of range, or `smoothing` not in [0, 1).
    TypeError
        If `logits` is not float32 or float64, `labels` not of integers, or `mask` not of bools.
    """
    check_float("logits", logits)
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits must have a last axis with at least one class, got shape {logits.shape}")
    rows, classes = logits.shape[:-1], logits.shape[-1]
    check_shape("labels", labels, rows)
    if mask is not None:
        check_shape("mask", mask, rows)
        check_dtype("mask", mask, bool)
        labels = labels * mask  # 0, which is in range, at padding
    check_labels("labels", labels.reshape(-1), labels.size, classes)
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must lie in [0, 1), got {smoothing}")
    xp, number = module_of(logits), logits.dtype.type

    shifted = logits - logits.max(axis=-1, keepdims=True)  # [..., C] at most 0: exp cannot overflow
    e = xp.exp(shifted)  # [..., C]
    total = e.sum(axis=-1, keepdims=True)  # [..., 1] at least 1
    # spec: masked_cross_entropy.smoothing -- q_j = (1 - eps) [j = label] + eps / C (PyTorch)
    one_hot = xp.arange(classes) == labels[..., None]  # [..., C]
    q = one_hot.astype(logits.dtype) * number(1 - smoothing) + number(smoothing / classes)  # [..., C]
    # spec: masked_cross_entropy.forward -- loss = log sum_j exp(logits_j) - sum_j q_j logits_j, one a row (GNMT)
    asked = xp.where(q > 0, shifted, xp.zeros_like(shifted))  # a class nobody asks for may score -inf
    loss = xp.log(total[..., 0]) - (q * asked).sum(axis=-1)  # [...]
    if mask is not None:
        # spec: masked_cross_entropy.padding -- the loss at padding is 0, whatever its label
        loss = xp.where(mask, loss, xp.zeros_like(loss))
    return loss, Cache(e / total, q, mask)


# log softmax_j = logits_j - log sum_k exp(logits_k), and sum_j q_j = 1, so that
#
#     loss = log sum_k exp(logits_k) - sum_j q_j logits_j        d loss / d logits_j = softmax(logits)_j - q_j.


# spec: masked_cross_entropy.gradient -- d_logits = d_loss (softmax(logits) - q), 0 at padding (derived)
def backward(d_loss: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_loss : [...]
        Gradient of the objective with respect to each row's loss. What stands at padding goes nowhere.

    Returns
    -------
    d_logits : [..., C]
        0 at padding.
    """
    p, q, mask = cache
    check_shape("d_loss", d_loss, p.shape[:-1])
    check_dtype("d_loss", d_loss, p.dtype)
    if mask is not None:
        d_loss = d_loss * mask
    d_logits: Array = d_loss[..., None] * (p - q)  # [..., C]
    return d_logits
