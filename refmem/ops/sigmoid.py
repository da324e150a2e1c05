"""Logistic sigmoid.

    y = 1 / (1 + exp(-x))

The gates of an LSTM and of a convolutional GRU are made with it.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    y: Array  # [...] the output


def forward(x: Array) -> tuple[Array, Cache]:
    """Squash each element into (0, 1).

    The exponential is taken of -|x| alone, so that it cannot overflow: 1 / (1 + e) where x >= 0, and e / (1 + e)
    where x < 0, with e = exp(-|x|).

    Parameters
    ----------
    x : [...] float
        Any shape.

    Returns
    -------
    y : shape and dtype of `x`
    cache : Cache

    Raises
    ------
    TypeError
        If `x` is not float32 or float64.
    """
    check_float("x", x)
    xp = module_of(x)
    # spec: sigmoid.forward -- y = 1 / (1 + exp(-x)) (GNMT)
    # spec: sigmoid.far-out -- exp is taken of -|x| alone: it cannot overflow, and small values are kept
    e = xp.exp(-xp.abs(x))  # [...] at most 1
    y = xp.where(x >= 0, xp.ones_like(e), e) / (1 + e)  # [...]
    return y, Cache(y)


# With y = 1 / (1 + e^-x):   dy/dx = e^-x / (1 + e^-x)^2 = y (1 - y).


# spec: sigmoid.gradient -- dx = dy y (1 - y) (derived)
def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : shape and dtype of `y`
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : shape and dtype of `y`
    """
    y = cache.y
    check_shape("dy", dy, y.shape)
    check_dtype("dy", dy, y.dtype)
    dx: Array = dy * y * (1 - y)  # [...]
    return dx
