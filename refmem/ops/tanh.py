"""Hyperbolic tangent.

    y = tanh(x)

The candidate of an LSTM, and of a convolutional GRU, goes through it.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    y: Array  # [...] the output


def forward(x: Array) -> tuple[Array, Cache]:
    """Squash each element into (-1, 1).

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
    # spec: tanh.forward -- y = tanh(x) (GNMT)
    y = module_of(x).tanh(x)  # [...]
    return y, Cache(y)


# With y = tanh(x):   dy/dx = 1 - y^2.


# spec: tanh.gradient -- dx = dy (1 - y^2) (derived)
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
    dx: Array = dy * (1 - y * y)  # [...]
    return dx
