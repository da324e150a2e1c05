"""Fast twin of `conv2d` for 3x3 kernels: Winograd's minimal filtering, four times fewer multiplications.

A tile of m x m outputs depends on n x n inputs, n = m + 2. Seen as polynomials, a correlation is a product, and a
product of polynomials can be made by evaluating both at n points, multiplying the values, and interpolating:

    y = A^T [ (G k G^T) * (B^T d B) ] A        d [n, n] inputs, k [3, 3] kernel, y [m, m] outputs, * elementwise

(Winograd 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.) Summed over the channels,
the elementwise product becomes n*n matrix products [tiles, C] x [C, F]: 36 for m = 4, where 16 outputs would take
144. Here m = 4 and the points are 0, 1, -1, 2, -1/2 and infinity.

Exact in exact arithmetic. In float32 the interpolation magnifies rounding: the root mean square error is about four
times that of `conv2d`, below 4e-6 of the result's own root mean square; see `MAX_ERROR`. For NumPy arrays only.
"""

from functools import cache as remembered
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from refmem.arrays import Array, check_dtype, check_shape
from refmem.ops.conv2d import Cache, check_arguments
from refmem.ops.conv2d_im2col import check_numpy, sum_of_pixels

M = 4  # outputs of a tile, each way
N = M + 2  # inputs of a tile, each way
POINTS = (0.0, 1.0, -1.0, 2.0, -0.5)  # and infinity. (0, 1, -1, 2, -2), as often used, has 1.5 times the error.
TILES = 196  # tiles taken at once: few enough to stay in cache, many enough for the matrix products
MAX_ERROR = {"float32": 2e-4, "float64": 4e-13}  # largest error allowed, in units of the result's root mean square


# --- The transforms ---------------------------------------------------------------------------------------------------


def matrices(outputs: int, taps: int) -> tuple[Array, Array, Array]:
    """A [n, outputs], G [n, taps] and B [n, n] of Winograd's y = A^T [(G k) * (B^T d)], for one dimension.

    `outputs` + `taps` - 1 = n. With the points a_j:  A holds the powers a_j^i, G the same divided by
    N_j = prod_{l != j} (a_j - a_l), and column j of B the coefficients of prod_{l != j} (x - a_l). The last point is
    infinity, where a polynomial's value is its leading coefficient. B does not depend on how n is split.
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
    """The two-dimensional maps M X M^T as matrices on a tile written as a vector: M kron M."""

    kernel: Array  # [36, 9] G
    data: Array  # [36, 36] B^T
    output: Array  # [16, 36] A^T
    d_output: Array  # [36, 16] G of the correlation with 4 taps and 3 outputs, which makes d_kernel
    d_kernel: Array  # [9, 36] A^T of the same


@remembered
def transforms(dtype: np.dtype[Any]) -> Transforms:
    def both_ways(matrix: Array) -> Array:
        product: Array = np.kron(matrix, matrix).astype(dtype)
        return product

    A, G, B = matrices(M, 3)
    A3, G3, _ = matrices(3, M)
    return Transforms(both_ways(G), both_ways(B.T), both_ways(A.T), both_ways(G3), both_ways(A3.T))


# --- Cutting images into tiles, and back ------------------------------------------------------------------------------


class _Tiles:
    """A few images cut into tiles of `side` x `side`: overlapping ones of N, or disjoint ones of M."""

    def __init__(self, images: int, size: tuple[int, int], channels: int, side: int, dtype: np.dtype[Any]) -> None:
        down, across = (-(-length // M) for length in size)  # tiles; the last ones may stick out
        margin = (side - M) // 2
        self.frame = np.zeros((images, down * M + 2 * margin, across * M + 2 * margin, channels), dtype)
        self.inside = self.frame[:, margin:margin + size[0], margin:margin + size[1]]
        b, h, w, c = self.frame.strides
        shape = (side, side, images, down, across, channels)
        self.windows = as_strided(self.frame, shape, (h, w, b, M * h, M * w, c))
        self.gathered = np.empty(shape, dtype)
        self.rows = self.gathered.reshape(side * side, -1)  # the i-th number of each tile in row i
        self.count = images * down * across

    def cut(self, images: Array) -> Array:
        """[b, H, W, channels] -> [side^2, tiles channels]; where b images are fewer than there is room for, zeros."""
        self.inside[:len(images)] = images
        self.inside[len(images):] = 0
        np.copyto(self.gathered, self.windows)
        return self.rows

    def paste(self, images: Array, bias: Array | float = 0.0) -> None:
        """The way back, for disjoint tiles: from what was written to `rows` to `images` [b, H, W, channels]."""
        np.copyto(self.windows, self.gathered)
        np.add(self.inside[:len(images)], bias, out=images)


def _chunk(batch: int, height: int, width: int) -> int:
    """How many images to take at once."""
    return max(1, min(batch, TILES // max(1, -(-height // M) * -(-width // M))))


# --- The operation ----------------------------------------------------------------------------------------------------


def forward(x: Array, kernels: Array, bias: Array) -> tuple[Array, Cache]:
    """As `conv2d.forward`; a `ValueError` also where the kernels are not 3x3."""
    check_arguments(x, kernels, bias)
    check_numpy(x)
    if kernels.shape[:2] != (3, 3):
        raise ValueError(f"kernels must be 3x3 for conv2d_winograd, got {kernels.shape[0]}x{kernels.shape[1]}")
    batch, height, width, channels = x.shape
    filters = kernels.shape[3]
    t = transforms(x.dtype)

    u = (t.kernel @ kernels.reshape(9, -1)).reshape(N * N, channels, filters)  # [36, C, F]
    chunk = _chunk(batch, height, width)
    inputs = _Tiles(chunk, (height, width), channels, N, x.dtype)
    outputs = _Tiles(chunk, (height, width), filters, M, x.dtype)
    v = np.empty((N * N, inputs.count, channels), x.dtype)  # [36, tiles, C]
    products = np.empty((N * N, inputs.count, filters), x.dtype)  # [36, tiles, F]

    y = np.empty((batch, height, width, filters), x.dtype)  # [B, H, W, F]
    for start in range(0, batch, chunk):
        some = slice(start, start + chunk)
        np.matmul(t.data, inputs.cut(x[some]), out=v.reshape(N * N, -1))
        np.matmul(v, u, out=products)
        np.matmul(t.output, products.reshape(N * N, -1), out=outputs.rows)
        outputs.paste(y[some], bias)
    return y, Cache(x, kernels)


# dx is the correlation of dy with the kernels turned by 180 degrees, F to C (see conv2d_im2col). d_kernels, turned, is
# the correlation of dy with x: in each tile 3x3 outputs, from 4x4 taps of x over 6x6 numbers of dy. n = 6 in both, so
# that both want the same B^T dy B. The tiles are summed before the way back, in one product for each of the 36 points.


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """As `conv2d.backward`."""
    x, kernels = cache
    batch, height, width, channels = x.shape
    filters = kernels.shape[3]
    check_shape("dy", dy, (batch, height, width, filters))
    check_dtype("dy", dy, x.dtype)
    t = transforms(x.dtype)

    turned = kernels[::-1, ::-1].transpose(0, 1, 3, 2).reshape(9, -1)  # [9, F C]
    u = (t.kernel @ turned).reshape(N * N, filters, channels)  # [36, F, C]
    chunk = _chunk(batch, height, width)
    d_outputs = _Tiles(chunk, (height, width), filters, N, x.dtype)
    inputs = _Tiles(chunk, (height, width), channels, M, x.dtype)
    d_inputs = _Tiles(chunk, (height, width), channels, M, x.dtype)
    e = np.empty((N * N, d_outputs.count, filters), x.dtype)  # [36, tiles, F]
    products = np.empty((N * N, d_outputs.count, channels), x.dtype)  # [36, tiles, C]
    d_u = np.zeros((N * N, channels, filters), x.dtype)  # [36, C, F]

    dx = np.empty(x.shape, x.dtype)  # [B, H, W, C]
    for start in range(0, batch, chunk):
        some = slice(start, start + chunk)
        np.matmul(t.data, d_outputs.cut(dy[some]), out=e.reshape(N * N, -1))
        np.matmul(t.d_output, inputs.cut(x[some]), out=products.reshape(N * N, -1))
        d_u += np.matmul(products.transpose(0, 2, 1), e)
        np.matmul(e, u, out=products)
        np.matmul(t.output, products.reshape(N * N, -1), out=d_inputs.rows)
        d_inputs.paste(dx[some])
    d_turned = (t.d_kernel @ d_u.reshape(N * N, -1)).reshape(kernels.shape)
    return dx, np.ascontiguousarray(d_turned[::-1, ::-1]), sum_of_pixels(dy)


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """As `conv2d.backward_parameters`: the gradient of x is computed in passing, and dropped."""
    return backward(dy, cache)[1:]
