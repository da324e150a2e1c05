# mypy: disallow-untyped-decorators=False
"""Cutting images into transformed tiles, and back: the loops of `conv2d_winograd`, compiled by numba.

Both functions apply a linear map both ways, X -> L X L^T, to every tile and channel. First L mixes rows, over the
whole width of the image at once, then columns; either way the innermost loop runs over memory that lies side by side.
NumPy can do the same as one product with the matrix L kron L, at three times the time.

Indices are unsigned on purpose: numba then leaves out the check for negative ones, and the loops become vector code.
"""

from typing import Any

import numba
import numpy as np

from refmem.arrays import Array

M = 4  # outputs of a tile, each way
N = 6  # inputs of a tile, each way

index: Any = numba.uintp
compiled = numba.njit(nogil=True, cache=True, fastmath={"contract"})


@compiled
def cut(images: Array, margin: int, L: Array, tiles: Array) -> None:
    """tiles[6 r + s, t, c] = sum_ij L[r, i] L[s, j] window_t[i, j, c], for all windows of 6x6, 4 apart.

    Parameters
    ----------
    images : [B, H, W, C], contiguous
        Zero outside.
    margin : int
        The first window starts at (-margin, -margin).
    L : [6, 6]
    tiles : [36, B * ceil(H/4) * ceil(W/4), C], contiguous
        Written.
    """
    batch, height, width, channels = images.shape
    down, across, C = (height + 3) // M, (width + 3) // M, index(channels)
    rows = images.reshape(batch, height, width * channels)
    strip = np.zeros((N, (M * across + 2) * channels), images.dtype)  # six rows of an image
    mixed = np.empty_like(strip)
    first = index(margin * channels)
    done = index(0)  # tiles
    for b in range(batch):
        for y in range(down):
            for i in range(N):
                h = M * y + i - margin
                for m in range(width * channels):
                    strip[i, first + index(m)] = rows[b, index(h), m] if 0 <= h < height else 0
            for r in range(N):
                l0, l1, l2, l3, l4, l5 = L[r, 0], L[r, 1], L[r, 2], L[r, 3], L[r, 4], L[r, 5]
                for m in range(strip.shape[1]):
                    mixed[r, m] = (l0 * strip[0, m] + l1 * strip[1, m] + l2 * strip[2, m]
                                   + l3 * strip[3, m] + l4 * strip[4, m] + l5 * strip[5, m])
            for r in range(N):
                for s in range(N):
                    l0, l1, l2, l3, l4, l5 = L[s, 0], L[s, 1], L[s, 2], L[s, 3], L[s, 4], L[s, 5]
                    for t in range(across):
                        for c in range(channels):
                            m = index(M) * C * index(t) + index(c)
                            tiles[N * r + s, done + index(t), c] = (
                                l0 * mixed[r, m] + l1 * mixed[r, m + C] + l2 * mixed[r, m + index(2) * C]
                                + l3 * mixed[r, m + index(3) * C] + l4 * mixed[r, m + index(4) * C]
                                + l5 * mixed[r, m + index(5) * C])
            done += index(across)


@compiled
def paste(tiles: Array, L: Array, bias: Array, images: Array) -> None:
    """images[..., 4 y + i, 4 x + j, c] = bias[c] + sum_rs L[i, r] L[j, s] tiles[6 r + s, tile (y, x), c].

    Parameters
    ----------
    tiles : [36, B * ceil(H/4) * ceil(W/4), C], contiguous
    L : [4, 6]
    bias : [C]
    images : [B, H, W, C], contiguous
        Written. What sticks out of an image is dropped.
    """
    batch, height, width, channels = images.shape
    down, across, C = (height + 3) // M, (width + 3) // M, index(channels)
    length = across * channels  # of a row of tiles
    points = tiles.reshape(N * N, batch * down * length)
    rows = images.reshape(batch, height, width * channels)
    mixed = np.empty((N, length), images.dtype)
    start = index(0)
    for b in range(batch):
        for y in range(down):
            for i in range(min(M, height - M * y)):
                l0, l1, l2, l3, l4, l5 = L[i, 0], L[i, 1], L[i, 2], L[i, 3], L[i, 4], L[i, 5]
                for s in range(N):
                    for m in range(length):
                        p = start + index(m)
                        mixed[s, m] = (l0 * points[s, p] + l1 * points[N + s, p] + l2 * points[2 * N + s, p]
                                       + l3 * points[3 * N + s, p] + l4 * points[4 * N + s, p]
                                       + l5 * points[5 * N + s, p])
                h = M * y + i
                for j in range(M):
                    l0, l1, l2, l3, l4, l5 = L[j, 0], L[j, 1], L[j, 2], L[j, 3], L[j, 4], L[j, 5]
                    for t in range((width - j + 3) // M):
                        for c in range(channels):
                            m = C * index(t) + index(c)
                            rows[b, h, index(M) * C * index(t) + index(j) * C + index(c)] = (
                                bias[c] + l0 * mixed[0, m] + l1 * mixed[1, m] + l2 * mixed[2, m]
                                + l3 * mixed[3, m] + l4 * mixed[4, m] + l5 * mixed[5, m])
            start += index(length)
