"""Fast twin of `conv2d` for 3x3 kernels: Winograd's minimal filtering, with four times fewer multiplications.

A tile of m x m outputs depends on n x n inputs, n = m + 2. Read as polynomials, a correlation is a product turned
round, and a product can be had by evaluating both factors at n points, multiplying the values, and interpolating:

    y = A^T [ (G k G^T) * (B^T d B) ] A        d [n, n] inputs, k [3, 3] kernel, y [m, m] outputs, * elementwise

(Winograd 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.) Summed over channels, the
elementwise product becomes n^2 matrix products [tiles, C] x [C, F]. Here m = 4: 36 multiplications where the plain
form has 144. The points are 0, 1, -1, 2, -1/2 and infinity.

Exact in exact arithmetic. Rounding is magnified by the interpolation: in float32 the root mean square error is some
four times that of `conv2d`. `MAX_ERROR` bounds the largest. For NumPy arrays only.
"""

import math
from functools import cache as remembered
from typing import Any, NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_shape
from refmem.ops.conv2d import Cache, check_arguments
from refmem.ops.conv2d_im2col import check_numpy, sum_of_pixels
from refmem.ops.winograd_tiles import M, N, cut, paste

POINTS = (0.0, 1.0, -1.0, 2.0, -0.5)  # and infinity. (0, 1, -1, 2, -2), often used, has 1.5 times the error.
AT_ONCE = 8192  # tiles times channels taken at once: few enough for the cache, many enough for the matrix products
MAX_ERROR = {"float32": 1e-4, "float64": 2e-13}
"""Largest difference to exact arithmetic in any result, in units of that result's root mean square; where that is small
by chance, of a tenth of the largest product of two numbers of what is multiplied."""


# --- The transforms ---------------------------------------------------------------------------------------------


def matrices(outputs: int, taps: int) -> tuple[Array, Array, Array]:
    """A [n, outputs], G [n, taps] and B [n, n] of y = A^T [(G k) * (B^T d)], in one dimension.

    `outputs` + `taps` - 1 = n. With the points a_j: A holds the powers a_j^i; G the same, divided by
    prod_{l != j} (a_j - a_l); and column j of B the coefficients of prod_{l != j} (x - a_l). The last point is
    infinity, where the value of a polynomial is its leading coefficient. B depends on n alone.
    """
    n = outputs + taps - 1
    A, G, B = np.zeros((n, outputs)), np.zeros((n, taps)), np.zeros((n, n))
    for j, a in enumerate(POINTS):
        others = np.delete(POINTS, j)
        A[j] = a ** np.arange(outputs)
        G[j] = a ** np.arange(taps) / np.prod(a - others)
        B[:n - 1, j] = np.poly(others)[::-1]
    A[-1, -1] = G[-1, -1] = 1
    B[:, -1] = np.poly(POINTS)[::-1]
    return A, G, B


class Transforms(NamedTuple):
    """What `cut`, `paste` and the kernels are mixed with."""

    data: Array  # [6, 6] B^T
    output: Array  # [4, 6] A^T
    kernel: Array  # [36, 9] G kron G, which makes G k G^T of k as a vector
    taps: Array  # [6, 6] G for 4 taps and 3 outputs, with two columns of zeros
    d_kernel: Array  # [9, 36] A^T kron A^T for 4 taps and 3 outputs


@remembered
def transforms(dtype: np.dtype[Any]) -> Transforms:
    """The matrices in one dtype."""
    A, G, B = matrices(M, 3)
    A3, G4, _ = matrices(3, M)
    exact = (B.T, A.T, np.kron(G, G), np.pad(G4, ((0, 0), (0, 2))), np.kron(A3.T, A3.T))
    return Transforms(*(np.ascontiguousarray(matrix, dtype) for matrix in exact))


# --- The operation ----------------------------------------------------------------------------------------------


def evaluated(kernels: Array) -> Array:
    """u [36, C, F] = G k G^T of kernels [3, 3, C, F], for those who use the same ones for several batches."""
    if kernels.shape[:2] != (3, 3):
        raise ValueError(f"kernels must be 3x3 for conv2d_winograd, got {kernels.shape[0]}x{kernels.shape[1]}")
    u: Array = transforms(kernels.dtype).kernel @ kernels.reshape(9, -1)
    return u.reshape(N * N, *kernels.shape[2:])


def turned(kernels: Array) -> Array:
    """[3, 3, F, C]: by 180 degrees, from the outputs to the inputs."""
    return kernels[::-1, ::-1].transpose(0, 1, 3, 2)


def forward(x: Array, kernels: Array, bias: Array, *, u: Array | None = None) -> tuple[Array, Cache]:
    """As `conv2d.forward`; a `ValueError` also where the kernels are not 3x3. `u` is `evaluated(kernels)`, if known."""
    check_arguments(x, kernels, bias)
    check_numpy(x)
    u = evaluated(kernels) if u is None else u  # [36, C, F]
    channels, filters = kernels.shape[2:]
    t = transforms(x.dtype)
    images, bias = np.ascontiguousarray(x), np.ascontiguousarray(bias)
    work = _Work(x, channels, filters)

    y = np.empty((*x.shape[:3], filters), x.dtype)  # [B, H, W, F]
    for some, tiles in work.chunks:
        v, products = work.room(0, tiles, channels), work.room(1, tiles, filters)  # [36, T, C], [36, T, F]
        cut(images[some], 1, t.data, v)
        np.matmul(v, u, out=products)
        paste(products, t.output, bias, y[some])
    return y, Cache(x, kernels)


# dx is the correlation of dy with the kernels turned by 180 degrees, from F to C (see conv2d_im2col). d_kernels,
# turned, is the correlation of dy with x: for each tile 4x4 taps of x slide over 6x6 numbers of dy, to 3x3 places.
# n = 6 in both, so that both want the same B^T dy B. The tiles are summed before they are interpolated, by one matrix
# product for each of the 36 points.


def backward(dy: Array, cache: Cache, *, u: Array | None = None) -> tuple[Array, Array, Array]:
    """As `conv2d.backward`. `u` is `evaluated(turned(kernels))`, if known."""
    x, kernels = cache
    channels, filters = kernels.shape[2:]
    check_shape("dy", dy, (*x.shape[:3], filters))
    check_dtype("dy", dy, x.dtype)
    t = transforms(x.dtype)
    u = evaluated(turned(kernels)) if u is None else u  # [36, F, C]
    images, d_outputs = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    no_bias = np.zeros(channels, x.dtype)
    d_u = np.zeros((N * N, channels, filters), x.dtype)  # [36, C, F] the sum over the tiles
    work = _Work(x, filters, channels)

    dx = np.empty(x.shape, x.dtype)  # [B, H, W, C]
    for some, tiles in work.chunks:
        e, taps = work.room(0, tiles, filters), work.room(1, tiles, channels)  # [36, T, F], [36, T, C]
        cut(d_outputs[some], 1, t.data, e)
        cut(images[some], 0, t.taps, taps)
        for r in range(0, N * N, N):  # six points at a time, which is less to keep
            d_u[r:r + N] += taps[r:r + N].transpose(0, 2, 1) @ e[r:r + N]  # [6, C, F]
        products = taps  # [36, T, C] in the same memory: the taps are done with
        np.matmul(e, u, out=products)
        paste(products, t.output, no_bias, dx[some])
    d_turned = (t.d_kernel @ d_u.reshape(N * N, -1)).reshape(kernels.shape)
    return dx, np.ascontiguousarray(d_turned[::-1, ::-1]), sum_of_pixels(dy)


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """As `conv2d.backward_parameters`: the gradient of x is computed in passing, and dropped."""
    return backward(dy, cache)[1:]


class _Work:
    """The batch in chunks, and memory for two sets of tiles that all chunks share."""

    def __init__(self, x: Array, *channels: int) -> None:
        batch, height, width, _ = x.shape
        tiles = math.ceil(height / M) * math.ceil(width / M)  # of an image
        size = max(1, min(batch, AT_ONCE // max(1, tiles * max(channels))))  # images of a chunk
        starts = range(0, batch, size)
        self.chunks = [(slice(s, min(s + size, batch)), (min(s + size, batch) - s) * tiles) for s in starts]
        self.memory = [np.empty(N * N * size * tiles * c, x.dtype) for c in channels]

    def room(self, which: int, tiles: int, channels: int) -> Array:
        """[36, tiles, channels], contiguous."""
        return self.memory[which][:N * N * tiles * channels].reshape(N * N, tiles, channels)
