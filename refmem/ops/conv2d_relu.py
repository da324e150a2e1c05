"""Fast twin of `conv2d` and `relu` in one pass, for the first layer: images of one channel, 3x3 kernels.

    y[b, h, w, f] = max(0, bias[f] + sum_ij x[b, h + i - 1, w + j - 1] kernels[i, j, 0, f])

With nine products a number there is little to compute, and what takes time is to write y and to read it again: so it
is written once, its ReLU done. The loops are compiled (`conv2d_relu_kernels`). Same equation, arguments and errors as
the two operations one after the other; only the order of the sums differs. For NumPy arrays only.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.ops import compiled, conv2d, conv2d_im2col, relu
from refmem.ops.conv2d import check_arguments, padded
from refmem.ops.conv2d_im2col import check_numpy

KERNELS = "refmem.ops.conv2d_relu_kernels"


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
    compiled.call(KERNELS, "slide", x.dtype.name, batch, height, width, filters, padded(x, 1, 1), weights, y)
    return y, Cache(x, kernels, y)


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """(dx, d_kernels, d_bias), as `relu.backward` and then `conv2d.backward`."""
    return conv2d_im2col.backward(relu.backward(dy, relu.Cache(cache.y)), _linear(cache))


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """(d_kernels, d_bias) alone, which is what a first layer wants: nobody asks for the gradient of the images."""
    return conv2d_im2col.backward_parameters(relu.backward(dy, relu.Cache(cache.y)), _linear(cache))


def _linear(cache: Cache) -> conv2d.Cache:
    return conv2d.Cache(cache.x, cache.kernels)
