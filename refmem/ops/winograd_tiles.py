"""Cutting images into transformed tiles, and back, for `conv2d_winograd`.

Both functions apply a linear map both ways, X -> L X L^T, to every tile and channel. First L mixes rows, over the
whole width of the image at once, then columns; either way the innermost loop runs over memory that lies side by side.
The loops are compiled (`winograd_kernels`); NumPy can do the same as one product with the matrix L kron L, at three
times the time.
"""

import numpy as np

from refmem.arrays import Array
from refmem.ops import compiled

M = 4  # outputs of a tile, each way
N = 6  # inputs of a tile, each way
KERNELS = "refmem.ops.winograd_kernels"


def cut(images: Array, margin: int, L: Array, tiles: Array) -> None:
    """tiles[6 r + s, t, c] = sum_ij L[r, i] L[s, j] window_t[i, j, c], for all windows of 6x6, 4 apart.

    Parameters
    ----------
    images : [B, H, W, C], contiguous
        Zero outside.
    margin : int
        The first window starts at (-margin, -margin).
    L : [6, 6], contiguous
    tiles : [36, B * ceil(H/4) * ceil(W/4), C], contiguous
        Written.
    """
    batch, height, width, channels = images.shape
    rows = np.zeros((N, (M * -(-width // M) + 2) * channels), images.dtype)
    compiled.call(KERNELS, "cut", images.dtype.name, batch, height, width, channels, margin, images, L, rows,
                  np.empty_like(rows), tiles)


def paste(tiles: Array, L: Array, bias: Array, images: Array) -> None:
    """images[..., 4 y + i, 4 x + j, c] = bias[c] + sum_rs L[i, r] L[j, s] tiles[6 r + s, tile (y, x), c].

    Parameters
    ----------
    tiles : [36, B * ceil(H/4) * ceil(W/4), C], contiguous
    L : [4, 6], contiguous
    bias : [C], contiguous
    images : [B, H, W, C], contiguous
        Written. What sticks out of an image is dropped.
    """
    batch, height, width, channels = images.shape
    room = np.empty((N, -(-width // M) * channels), images.dtype)
    compiled.call(KERNELS, "paste", images.dtype.name, batch, height, width, channels, tiles, L, bias, room, images)
