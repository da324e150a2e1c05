# mypy: disallow-untyped-decorators=False
"""Fast twin of `conv2d` and `relu` in one pass, for the first layer: images of one channel, 3x3 kernels.

    y[b, h, w, f] = max(0, bias[f] + sum_ij x[b, h + i - 1, w + j - 1] kernels[i, j, 0, f])

With nine products a number there is little to compute, and what takes time is to write y and to read it again: so it
is written once, its ReLU done. The loops are compiled by numba. Same equation, arguments and errors as
the two operations one after the other; only the order of the sums differs. For NumPy arrays only.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from refmem.arrays import Array
from refmem.ops import conv2d, conv2d_im2col, relu
from refmem.ops.conv2d import check_arguments, padded
from refmem.ops.conv2d_im2col import check_numpy

index: Any = numba.uintp  # unsigned: numba then leaves out the check for negative ones


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, H, W, 1] the input
    kernels: Array  # [3, 3, 1, F]
    y: Array  # [B, H, W, F] the output: it is positive exactly where the convolution is


def forward(x: Array, kernels: Array, bias: Array) -> tuple[Array, Cache]:
    """As `conv2d.forward` and then `relu.forward`; a `ValueError` unless one channel meets kernels of 3x3."""
    check_arguments(x, kernels, bias)
    check_numpy(x)
    if kernels.shape[:3] != (3, 3, 1):
        raise ValueError(f"kernels must be 3x3 of one channel for conv2d_relu, got shape {kernels.shape}")
    batch, height, width, _ = x.shape
    filters = len(bias)
    y = np.empty((batch, height, width, filters), x.dtype)
    weights = np.concatenate([bias, kernels.reshape(-1)])  # [10 F] the bias, and the nine of each filter
    slide(padded(x, 1, 1)[..., 0], weights, filters, y.reshape(batch, height, width * filters))
    return y, Cache(x, kernels, y)


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """(dx, d_kernels, d_bias), as `relu.backward` and then `conv2d.backward`."""
    return conv2d_im2col.backward(relu.backward(dy, relu.Cache(cache.y)), _linear(cache))


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """(d_kernels, d_bias) alone, which is what a first layer wants: nobody asks for the gradient of the images."""
    return conv2d_im2col.backward_parameters(relu.backward(dy, relu.Cache(cache.y)), _linear(cache))


def _linear(cache: Cache) -> conv2d.Cache:
    return conv2d.Cache(cache.x, cache.kernels)


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def slide(frame: Array, k: Array, filters: int, y: Array) -> None:
    """Write y [B, H, W F] of the images in a margin of zeros [B, H+2, W+2] and the weights k [10 F]."""
    batch, height, width, F = len(y), y.shape[1], frame.shape[2] - 2, index(filters)
    for b in range(batch):
        for h in range(height):
            for w in range(width):
                x0, x1, x2 = frame[b, h, w], frame[b, h, w + 1], frame[b, h, w + 2]
                x3, x4, x5 = frame[b, h + 1, w], frame[b, h + 1, w + 1], frame[b, h + 1, w + 2]
                x6, x7, x8 = frame[b, h + 2, w], frame[b, h + 2, w + 1], frame[b, h + 2, w + 2]
                first = index(w) * F
                for number in range(F):
                    f = index(number)
                    s = (k[f] + x0 * k[F + f] + x1 * k[index(2) * F + f]
                         + x2 * k[index(3) * F + f] + x3 * k[index(4) * F + f]
                         + x4 * k[index(5) * F + f] + x5 * k[index(6) * F + f]
                         + x6 * k[index(7) * F + f] + x7 * k[index(8) * F + f]
                         + x8 * k[index(9) * F + f])
                    y[b, h, first + f] = 0 if s <= 0 else s  # NaN stays NaN
