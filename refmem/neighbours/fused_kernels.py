"""The compiled pass of `fused`."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.tile_kernels import SIDE, tile_dots
from refmem.neighbours.top_kernels import Number, finish, kernel, offer, prefetch_row

STRIP = 64
"""Keys compared with all queries while they stay in the fastest cache."""


@kernel
def search_range(queries: Array, keys: Array, filled: Array, start: Number, stop: Number, lanes: Number, slots: Array,
                 cosines: Array) -> None:
    """The k best of the filled slots in start..stop-1 for each query, into `slots` and `cosines` [B, k].

    `queries` has a multiple of 4 rows; those behind the B-th are not looked at.
    """
    sizes, worst = np.zeros(slots.shape[0], np.int64), np.full(queries.shape[0], np.inf, keys.dtype)
    worst[:slots.shape[0]] = -np.inf
    sums = np.empty(SIDE * SIDE, keys.dtype)
    last = stop - (stop - start) % SIDE
    keys_at, row_bytes = keys.ctypes.data, keys.shape[1] * keys.itemsize
    for strip in range(start, last, STRIP):
        for query in range(0, queries.shape[0], SIDE):
            for key in range(strip, min(strip + STRIP, last), SIDE):
                if query == 0 and key + STRIP + SIDE <= last:  # the next strip, while this one is worked on
                    prefetch_row(keys_at + (key + STRIP) * row_bytes, SIDE * row_bytes)
                tile_dots(queries, query, keys, key, lanes, sums)
                if not beaten(sums, worst, query):
                    continue
                offer_tile(sums, filled, query, key, SIDE, cosines, slots, sizes, worst)

    if last < stop:  # fewer than four keys are left, and go through the same sums with zero rows behind them
        padded = np.zeros((SIDE, keys.shape[1]), keys.dtype)
        for c in range(stop - last):
            for j in range(keys.shape[1]):
                padded[c, j] = keys[last + c, j]
        for query in range(0, queries.shape[0], SIDE):
            tile_dots(queries, query, padded, 0, lanes, sums)
            offer_tile(sums, filled, query, last, stop - last, cosines, slots, sizes, worst)
    for b in range(slots.shape[0]):
        finish(cosines[b], slots[b], sizes[b])


@kernel
def beaten(sums: Array, worst: Array, query: Number) -> Number:
    """Whether a tile has anything for the top k: without a branch, since nearly all have not."""
    found = False
    for i in range(SIDE):
        for c in range(SIDE):
            found |= sums[SIDE * i + c] > worst[query + i]
    return found


@kernel
def offer_tile(sums: Array, filled: Array, query: Number, key: Number, width: Number, cosines: Array, slots: Array,
               sizes: Array, worst: Array) -> None:
    """Offer the sums of a tile, of which `width` keys are real, to the top k of its queries.

    `worst` is the cosine to beat: that of the k-th best, or -inf where there are fewer.
    """
    for i in range(min(SIDE, slots.shape[0] - query)):
        b = query + i
        for c in range(width):
            if sums[SIDE * i + c] > worst[b] and filled[key + c]:
                sizes[b] = offer(cosines[b], slots[b], sizes[b], sums[SIDE * i + c], key + c)
                if sizes[b] == slots.shape[1]:
                    worst[b] = cosines[b, 0]
