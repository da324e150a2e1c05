"""Fast twin of `conv2d` for a GPU: a few large products in place of many small ones.

Each pixel's neighbourhood is laid out as a row, its "columns" [B, H W, kh kw C]; then

    y = columns(x) @ K + bias        with K = kernels as a matrix [kh kw C, F].

A GPU takes some microseconds to start on anything, however small. The plain form starts 29 things for a 3x3 kernel,
this one five. All images are taken at once, and so it wants kh kw times the room of x; `conv2d_im2col` is the twin
for a processor and its cache. Same equation, arguments, results and errors as `conv2d`; only the order of the sums
differs. For NumPy arrays, too.
"""

from refmem.arrays import Array, check_dtype, check_shape, module_of
from refmem.ops.conv2d import Cache, check_arguments, padded


def columns(x: Array, kh: int, kw: int) -> Array:
    """The neighbourhood of each pixel of `x` [B, H, W, C], as rows: [B, H W, kh kw C]."""
    batch, height, width, channels = x.shape
    frame = padded(x, kh // 2, kw // 2)  # [B, H + kh-1, W + kw-1, C]
    # windows[b, h, w, i, :] are the kw C numbers of row h + i from column w on: they lie side by side.
    b, h, w, c = frame.strides
    as_strided = module_of(x).lib.stride_tricks.as_strided
    windows = as_strided(frame, (batch, height, width, kh, kw * channels), (b, h, w, h, c))
    rows: Array = windows.reshape(batch, height * width, kh * kw * channels)  # copies
    return rows


def forward(x: Array, kernels: Array, bias: Array) -> tuple[Array, Cache]:
    """As `conv2d.forward`."""
    check_arguments(x, kernels, bias)
    kh, kw, channels, filters = kernels.shape
    y = columns(x, kh, kw).reshape(-1, kh * kw * channels) @ kernels.reshape(-1, filters)  # [B H W, F]
    y += bias
    return y.reshape(*x.shape[:3], filters), Cache(x, kernels)


# dx is the convolution of dy with the kernels turned by 180 degrees, input and output channels swapped (see
# `conv2d_im2col`), so that dx and dK want the same columns, those of dy:
#
#     dx = columns(dy) @ turned(K)        d turned(K) = sum_b x_b^T @ columns(dy)_b
#
# One product an image, and then their sum: as one product over all pixels of all images dK would be a small matrix
# with a very long sum for each of its numbers, at which few of a GPU's units can work.


def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """As `conv2d.backward`."""
    x, kernels = cache
    kh, kw, channels, filters = kernels.shape
    rows = _columns_of(dy, cache)  # [B, H W, kh kw F]
    turned = kernels[::-1, ::-1].transpose(0, 1, 3, 2).reshape(kh * kw * filters, channels)  # [kh kw F, C]
    dx = rows.reshape(-1, kh * kw * filters) @ turned  # [B H W, C]
    return dx.reshape(x.shape), *_of_parameters(rows, dy, cache)


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """As `conv2d.backward_parameters`."""
    return _of_parameters(_columns_of(dy, cache), dy, cache)


def _columns_of(dy: Array, cache: Cache) -> Array:
    kh, kw, _, filters = cache.kernels.shape
    check_shape("dy", dy, (*cache.x.shape[:3], filters))
    check_dtype("dy", dy, cache.x.dtype)
    return columns(dy, kh, kw)


def _of_parameters(rows: Array, dy: Array, cache: Cache) -> tuple[Array, Array]:
    """(d_kernels, d_bias) from the columns of dy."""
    x, kernels = cache
    batch, height, width, channels = x.shape
    kh, kw, _, filters = kernels.shape
    d_turned = (x.reshape(batch, height * width, channels).transpose(0, 2, 1) @ rows).sum(axis=0)  # [C, kh kw F]
    d_kernels = d_turned.reshape(channels, kh, kw, filters).transpose(1, 2, 0, 3)[::-1, ::-1]  # [kh, kw, C, F]
    return module_of(x).ascontiguousarray(d_kernels), dy.reshape(-1, filters).sum(axis=0)
