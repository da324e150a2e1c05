"""Linear layer, also called fully connected.

    y = x W + b

LTRRE §2.1 puts two of them between the convolutions and the memory.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, D] the input
    weights: Array  # [D, F]


def check_arguments(x: Array, weights: Array, bias: Array) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("x", x)
    check_rank("x", x, 2)
    check_rank("weights", weights, 2)
    inputs, outputs = weights.shape
    check_shape("x", x, (x.shape[0], inputs))
    check_shape("bias", bias, (outputs,))
    check_dtype("weights", weights, x.dtype)
    check_dtype("bias", bias, x.dtype)


def check_gradient(dy: Array, cache: Cache) -> None:
    """Raise a `ValueError` or `TypeError` unless `dy` is a gradient of that forward's output."""
    check_shape("dy", dy, (cache.x.shape[0], cache.weights.shape[1]))
    check_dtype("dy", dy, cache.x.dtype)


# spec: linear.forward -- y = x W + b (LTRRE §2.1)
def forward(x: Array, weights: Array, bias: Array) -> tuple[Array, Cache]:
    """Multiply each row of `x` by a matrix, and add a bias.

    Parameters
    ----------
    x : [B, D] float
    weights : [D, F], dtype of `x`
    bias : [F], dtype of `x`

    Returns
    -------
    y : [B, F], dtype of `x`
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If `x` is not float32 or float64, or the others are of another dtype.
    """
    check_arguments(x, weights, bias)
    # spec: linear.bias -- the bias is added to each row (LTRRE §2.1)
    y = x @ weights + bias  # [B, F]
    return y, Cache(x, weights)


# y_bf = sum_d x_bd W_df + b_f, so
#
#     dx_bd = sum_f dy_bf W_df        dW_df = sum_b x_bd dy_bf        db_f = sum_b dy_bf.


# spec: linear.gradient -- dx = dy W^T, dW = x^T dy, db = sum of the rows of dy (derived)
def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [B, F]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [B, D]
    d_weights : [D, F]
    d_bias : [F]
    """
    x, weights = cache
    check_gradient(dy, cache)
    dx = dy @ weights.T  # [B, D]
    d_weights = x.T @ dy  # [D, F]
    d_bias = dy.sum(axis=0)  # [F]
    return dx, d_weights, d_bias
