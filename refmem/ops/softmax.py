"""Softmax over the last axis.

    y_i = exp(x_i) / sum_j exp(x_j)

LTRRE §2 applies it to the similarities of a query to its neighbours, x_i = t d_i.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    y: Array  # [..., D] the output


# spec: softmax.forward -- y_i = exp(x_i) / sum_j exp(x_j), a row (LTRRE §2)
def forward(x: Array) -> tuple[Array, Cache]:
    """Turn each row of scores into probabilities.

    The largest score of a row is subtracted first: the quotient stays the same, and exp cannot overflow.

    Parameters
    ----------
    x : [..., D] float
        At least one dimension, D >= 1.

    Returns
    -------
    y : [..., D], dtype of `x`
        Not negative, each row sums to 1.
    cache : Cache

    Raises
    ------
    ValueError
        If `x` has no last axis, or an empty one.
    TypeError
        If `x` is not float32 or float64.
    """
    check_float("x", x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have a last axis with at least one score, got shape {x.shape}")
    xp = module_of(x)

    # spec: softmax.large-scores -- the largest score is taken off first: nothing overflows
    e = xp.exp(x - x.max(axis=-1, keepdims=True))  # [..., D]
    y = e / e.sum(axis=-1, keepdims=True)  # [..., D]
    return y, Cache(y)


# dy_i/dx_j = y_i (delta_ij - y_j), so
#
#     dx_j = sum_i dy_i y_i (delta_ij - y_j) = y_j (dy_j - <dy, y>).


# spec: softmax.gradient -- dx = y (dy - <dy, y>) (derived)
def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [..., D]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [..., D]
    """
    y = cache.y
    check_shape("dy", dy, y.shape)
    check_dtype("dy", dy, y.dtype)
    dx: Array = y * (dy - (dy * y).sum(axis=-1, keepdims=True))  # [..., D]
    return dx
