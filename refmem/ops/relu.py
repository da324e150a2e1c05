"""Rectified linear unit.

    y = max(x, 0)

LTRRE §2.1 puts one after each convolution.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    y: Array  # [...] the output: it is positive exactly where x is


def forward(x: Array) -> tuple[Array, Cache]:
    """Replace what is negative by zero.

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
    # spec: relu.forward -- y = max(x, 0) (LTRRE §2.1)
    y = module_of(x).maximum(x, x.dtype.type(0))  # [...]
    return y, Cache(y)


# dy_i/dx_i = 1 where x_i > 0, and 0 where x_i < 0. At x_i = 0 there is no derivative; we take 0, the slope from
# the left, as PyTorch and TensorFlow do.


# spec: relu.gradient -- dx = dy where x > 0, else 0 (derived)
def backward(dy: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`; the derivative at 0 is 0.

    Parameters
    ----------
    dy : shape and dtype of `y`
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : shape and dtype of `y`
    """
    check_shape("dy", dy, cache.y.shape)
    check_dtype("dy", dy, cache.y.dtype)
    # spec: relu.at-zero -- the slope at 0 is 0 (PyTorch and TensorFlow)
    dx: Array = dy * (cache.y > 0)  # [...]
    return dx
