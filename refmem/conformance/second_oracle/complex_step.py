"""Derivatives by the complex step: df/dx = Im f(x + ih) / h, without a difference and so without cancellation.

It needs f to be written so that its decisions look at real parts only. Squire and Trapp, SIAM Review 40 (1998).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 1e-20
"""Its square is below the rounding of every dtype, and it is a normal number of float32."""


def gradient(objective: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of a real function at `x`, in the dtype of `x`; one evaluation an element."""
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        moved = x.astype(np.result_type(x.dtype, np.complex64))
        moved[index] += x.dtype.type(STEP) * 1j
        slopes[index] = objective(moved).imag / x.dtype.type(STEP)
    return slopes


def real(x: Any) -> Any:
    """What a decision looks at."""
    return x.real if np.iscomplexobj(x) else x


def unit(x: Any) -> Any:
    """x / max(||x||, 1e-6), a row. Not ||x|| of a complex vector: the continuation of the real formula."""
    squares = (x * x).sum(axis=-1, keepdims=True)
    short = real(squares) < real(squares).dtype.type(1e-12)
    length = np.where(short, squares.dtype.type(1e-6), np.sqrt(np.where(short, squares.dtype.type(1), squares)))
    return x / length


def ramp(x: Any) -> Any:
    """max(x, 0) with slope 0 at 0."""
    return np.where(real(x) > 0, x, x.dtype.type(0))


def softmax(x: Any) -> Any:
    """Of each row."""
    powers = np.exp(x - real(x).max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
