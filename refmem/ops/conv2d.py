"""Convolution of images: stride 1, zero padding that keeps the size ("SAME"), odd kernels.

    y[b, h, w, f] = bias[f] + sum_ijc x[b, h + i - (kh-1)/2, w + j - (kw-1)/2, c] kernels[i, j, c, f]

where x is 0 outside the image. As everywhere in deep learning the kernel is not flipped: this is a
cross-correlation. In LTRRE §2.1 all convolutions are 3x3.

This is the plain form: one matrix product for each kernel offset. `conv2d_im2col` and `conv2d_winograd` are its
fast twins for a processor, `conv2d_columns` for a GPU.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, H, W, C] the input
    kernels: Array  # [kh, kw, C, F]


def check_arguments(x: Array, kernels: Array, bias: Array) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these; its twins ask the same."""
    check_float("x", x)
    check_rank("x", x, 4)
    check_rank("kernels", kernels, 4)
    kh, kw, channels, filters = kernels.shape
    if kh % 2 == 0 or kw % 2 == 0:
        raise ValueError(f"kernels must have an odd height and width, got {kh}x{kw}")
    if x.shape[3] != channels:
        raise ValueError(f"x must have the {channels} channels that kernels has, got shape {x.shape}")
    check_shape("bias", bias, (filters,))
    check_dtype("kernels", kernels, x.dtype)
    check_dtype("bias", bias, x.dtype)


def padded(x: Array, rows: int, columns: int) -> Array:
    """`x` [B, H, W, C] within a frame of zeros, `rows` high and `columns` wide on each side."""
    batch, height, width, channels = x.shape
    frame: Array = module_of(x).zeros((batch, height + 2 * rows, width + 2 * columns, channels), x.dtype)
    frame[:, rows:rows + height, columns:columns + width] = x
    return frame


def forward(x: Array, kernels: Array, bias: Array) -> tuple[Array, Cache]:
    """Slide `kernels` over the images.

    Parameters
    ----------
    x : [B, H, W, C] float
        Images.
    kernels : [kh, kw, C, F], dtype of `x`
        Odd kh and kw.
    bias : [F], dtype of `x`

    Returns
    -------
    y : [B, H, W, F], dtype of `x`
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a kernel has an even side.
    TypeError
        If `x` is not float32 or float64, or the others are of another dtype.
    """
    check_arguments(x, kernels, bias)
    xp = module_of(x)

    batch, height, width, channels = x.shape
    kh, kw, _, filters = kernels.shape
    # spec: conv2d.same-padding -- zeros around the image keep its size (LTRRE §2.1)
    frame = padded(x, kh // 2, kw // 2)  # [B, H + kh-1, W + kw-1, C]
    # spec: conv2d.bias -- each filter adds its bias (LTRRE §2.1)
    y = xp.zeros((batch * height * width, filters), x.dtype) + bias  # [B H W, F]
    # spec: conv2d.cross-correlation -- y += x[h + i - (kh-1)/2, w + j - (kw-1)/2, c] kernels[i, j, c, f],
    #     not flipped (LTRRE §2.1)
    for i in range(kh):
        for j in range(kw):
            shifted = frame[:, i:i + height, j:j + width].reshape(-1, channels)  # [B H W, C]
            y += shifted @ kernels[i, j]
    return y.reshape(batch, height, width, filters), Cache(x, kernels)


# With X_ij the frame shifted by (i, j), a matrix [B H W, C], the forward pass is y = b + sum_ij X_ij K_ij: a sum
# of linear layers. So
#
#     dK_ij = X_ij^T dy        db = sum over the rows of dy        dX_ij = dy K_ij^T,
#
# and each dX_ij is added to the frame at the place where X_ij was cut out. The margin was no input; its gradient
# is dropped.


# spec: conv2d.gradient -- dK_ij = X_ij^T dy, db = sum dy, dX_ij = dy K_ij^T (derived)
def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [B, H, W, F]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [B, H, W, C]
    d_kernels : [kh, kw, C, F]
    d_bias : [F]
    """
    x, kernels = cache
    batch, height, width, channels = x.shape
    kh, kw, _, filters = kernels.shape
    check_shape("dy", dy, (batch, height, width, filters))
    check_dtype("dy", dy, x.dtype)
    xp = module_of(dy)

    frame = padded(x, kh // 2, kw // 2)  # [B, H + kh-1, W + kw-1, C]
    d_frame = xp.zeros_like(frame)
    d_kernels = xp.zeros_like(kernels)
    flat = dy.reshape(-1, filters)  # [B H W, F]
    for i in range(kh):
        for j in range(kw):
            shifted = frame[:, i:i + height, j:j + width].reshape(-1, channels)  # [B H W, C]
            d_kernels[i, j] = shifted.T @ flat  # [C, F]
            d_shifted = (flat @ kernels[i, j].T).reshape(x.shape)  # [B, H, W, C]
            d_frame[:, i:i + height, j:j + width] += d_shifted
    dx = d_frame[:, kh // 2:kh // 2 + height, kw // 2:kw // 2 + width]  # [B, H, W, C]
    return dx, d_kernels, flat.sum(axis=0)


def backward_parameters(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """(d_kernels, d_bias) alone, which is what a first layer wants: nobody asks for the gradient of the images."""
    return backward(dy, cache)[1:]
