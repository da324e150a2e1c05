"""Cutting images into transformed tiles, and back: the loops of `winograd_tiles`, compiled by numba (see `compiled`).

Indices are unsigned on purpose: numba then leaves out the check for negative ones, and the loops become vector code.
"""

from typing import Any, TypeAlias

import numba

M = 4  # outputs of a tile, each way
N = 6  # inputs of a tile, each way

carray: Any = vars(numba)["carray"]  # numbers at an address, as an array
Numbers: TypeAlias = Any  # the address of numbers
index: Any = numba.uintp


def cut(batch: int, height: int, width: int, channels: int, margin: int, images: Numbers, matrix: Numbers,
        six_rows: Numbers, mixtures: Numbers, tiles: Numbers) -> None:
    """See `winograd_tiles.cut`; `six_rows` of zeros and `mixtures` are [6, (4 ceil(W/4) + 2) C] numbers."""
    down, across, C = (height + 3) // M, (width + 3) // M, index(channels)
    length = (M * across + 2) * channels
    rows = carray(images, (batch, height, width * channels))
    L = carray(matrix, (N, N))
    strip, mixed = carray(six_rows, (N, length)), carray(mixtures, (N, length))
    out = carray(tiles, (N * N, batch * down * across, channels))
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
                for m in range(length):
                    mixed[r, m] = (l0 * strip[0, m] + l1 * strip[1, m] + l2 * strip[2, m]
                                   + l3 * strip[3, m] + l4 * strip[4, m] + l5 * strip[5, m])
            for r in range(N):
                for s in range(N):
                    l0, l1, l2, l3, l4, l5 = L[s, 0], L[s, 1], L[s, 2], L[s, 3], L[s, 4], L[s, 5]
                    for t in range(across):
                        for c in range(channels):
                            m = index(M) * C * index(t) + index(c)
                            out[N * r + s, done + index(t), c] = (
                                l0 * mixed[r, m] + l1 * mixed[r, m + C] + l2 * mixed[r, m + index(2) * C]
                                + l3 * mixed[r, m + index(3) * C] + l4 * mixed[r, m + index(4) * C]
                                + l5 * mixed[r, m + index(5) * C])
            done += index(across)


def paste(batch: int, height: int, width: int, channels: int, tiles: Numbers, matrix: Numbers, bias: Numbers,
          room: Numbers, images: Numbers) -> None:
    """See `winograd_tiles.paste`; `room` are [6, ceil(W/4) C] numbers."""
    down, across, C = (height + 3) // M, (width + 3) // M, index(channels)
    length = across * channels  # of a row of tiles
    points = carray(tiles, (N * N, batch * down * length))
    L = carray(matrix, (M, N))
    shift = carray(bias, (channels,))
    mixed = carray(room, (N, length))
    rows = carray(images, (batch, height, width * channels))
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
                                shift[c] + l0 * mixed[0, m] + l1 * mixed[1, m] + l2 * mixed[2, m]
                                + l3 * mixed[3, m] + l4 * mixed[4, m] + l5 * mixed[5, m])
            start += index(length)


KERNELS = (cut, paste)
