"""Fast twin of `conv2d`: the same convolution as one large matrix product.

Each pixel's neighbourhood is laid out as a row, its "columns" [B H W, kh kw C]; then

    y = columns(x) @ K + bias        with K = kernels as a matrix [kh kw C, F].

The images are taken a few at a time, so that the columns stay in the processor's cache. Same equation, arguments,
results and errors as `conv2d`; only the order of the sums differs. For NumPy arrays only.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from refmem.arrays import Array, check_dtype, check_shape, module_of
from refmem.ops.conv2d import Cache, check_arguments

CHUNK_BYTES = 4 << 20  # what the columns of one chunk may take (measured: 2 to 9 MiB make no difference)


def check_numpy(x: Array) -> None:
    """Raise a `TypeError` unless `x` is on the host."""
    if module_of(x, "x") is not np:
        raise TypeError(f"this twin of conv2d runs on NumPy arrays; use conv2d itself for {type(x).__module__}")


class _Columns:
    """Makes the columns of a few images at a time, each time in the same memory."""

    def __init__(self, images: Array, kh: int, kw: int) -> None:
        batch, height, width, channels = images.shape
        per_image = height * width * kh * kw * channels * images.itemsize
        self.chunk = max(1, min(batch, CHUNK_BYTES // max(1, per_image)))
        self.images = images
        self.frame = np.zeros((self.chunk, height + kh - 1, width + kw - 1, channels), images.dtype)
        self.inside = self.frame[:, kh // 2:kh // 2 + height, kw // 2:kw // 2 + width]
        # windows[b, h, w, i, :] are the kw*C numbers of row h + i from column w on: they lie side by side.
        b, h, w, c = self.frame.strides
        self.windows = as_strided(self.frame, (self.chunk, height, width, kh, kw * channels), (b, h, w, h, c))
        self.columns = np.empty(self.windows.shape, images.dtype)
        self.pixels, self.width = height * width, kh * kw * channels

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        """Pairs (slice of the batch, columns [images H W, kh kw C])."""
        batch = self.images.shape[0]
        for start in range(0, batch, self.chunk):
            images = self.images[start:start + self.chunk]
            n = images.shape[0]
            self.inside[:n] = images
            np.copyto(self.columns[:n], self.windows[:n])
            yield slice(start, start + n), self.columns[:n].reshape(n * self.pixels, self.width)


def forward(x: Array, kernels: Array, bias: Array) -> tuple[Array, Cache]:
    """As `conv2d.forward`."""
    check_arguments(x, kernels, bias)
    check_numpy(x)
    kh, kw, channels, filters = kernels.shape
    matrix = kernels.reshape(kh * kw * channels, filters)  # [kh kw C, F]
    y = np.empty((*x.shape[:3], filters), x.dtype)  # [B, H, W, F]
    for some, columns in _Columns(x, kh, kw):
        rows = y[some].reshape(-1, filters)  # a view
        np.matmul(columns, matrix, out=rows)
        rows += bias
    return y, Cache(x, kernels)


# dx is the convolution of dy with the kernels turned by 180 degrees, input and output channels swapped: pixel p of x
# contributed K_o to y at p - o, for each offset o, so
#
#     dx[p] = sum_o dy[p - o] K_o^T        dK_o = sum_p x[p]^T dy[p - o].
#
# Both want the same neighbourhoods of dy, hence the same columns, with the offsets in reverse order.


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """As `conv2d.backward`."""
    x, kernels = cache
    kh, kw, channels, filters = kernels.shape
    _check_dy(dy, cache)
    turned = kernels[::-1, ::-1].transpose(0, 1, 3, 2).reshape(kh * kw * filters, channels)  # [kh kw F, C]
    d_turned = np.zeros((channels, kh * kw * filters), x.dtype)  # [C, kh kw F]
    dx = np.empty(x.shape, x.dtype)  # [B, H, W, C]
    for some, columns in _Columns(dy, kh, kw):
        np.matmul(columns, turned, out=dx[some].reshape(-1, channels))
        d_turned += x[some].reshape(-1, channels).T @ columns
    d_kernels = d_turned.reshape(channels, kh, kw, filters).transpose(1, 2, 0, 3)[::-1, ::-1]
    return dx, np.ascontiguousarray(d_kernels), sum_of_pixels(dy)


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """As `conv2d.backward_parameters`."""
    x, kernels = cache
    _check_dy(dy, cache)
    kh, kw, channels, filters = kernels.shape
    d_matrix = np.zeros((kh * kw * channels, filters), x.dtype)  # [kh kw C, F]
    for some, columns in _Columns(x, kh, kw):
        d_matrix += columns.T @ dy[some].reshape(-1, filters)
    return d_matrix.reshape(kernels.shape), sum_of_pixels(dy)


def _check_dy(dy: Array, cache: Cache) -> None:
    check_shape("dy", dy, (*cache.x.shape[:3], cache.kernels.shape[3]))
    check_dtype("dy", dy, cache.x.dtype)


def sum_of_pixels(dy: Array) -> Array:
    """d_bias [F]. As a product with ones, which takes half the time of `sum`."""
    flat = dy.reshape(-1, dy.shape[-1])
    total: Array = np.ones(flat.shape[0], dy.dtype) @ flat
    return total
