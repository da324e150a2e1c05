"""The compiled pass of `fused`."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.tile_kernels import SIDE, tile_dots
from refmem.neighbours.top_kernels import Number, finish, kernel, offer

STRIP = 64
"""Keys compared with all queries while they stay in the fastest cache."""


@kernel
def search_range(queries: Array, keys: Array, filled: Array, start: Number, stop: Number, lanes: Number, slots: Array,
                 cosines: Array) -> None:
    """The k best of the filled slots in start..stop-1 for each query, into `slots` and `cosines` [B, k].

    `queries` has a multiple of 4 rows; those behind the B-th are not looked at.
    """
    sizes = np.zeros(slots.shape[0], np.int64)
    sums = np.empty(SIDE * SIDE, keys.dtype)
    last = stop - (stop - start) % SIDE
    for strip in range(start, last, STRIP):
        for query in range(0, queries.shape[0], SIDE):
            for key in range(strip, min(strip + STRIP, last), SIDE):
                tile_dots(queries, query, keys, key, lanes, sums)
                offer_tile(sums, filled, query, key, SIDE, cosines, slots, sizes)

    if last < stop:  # fewer than four keys are left, and go through the same sums with zero rows behind them
        padded = np.zeros((SIDE, keys.shape[1]), keys.dtype)
        for c in range(stop - last):
            for j in range(keys.shape[1]):
                padded[c, j] = keys[last + c, j]
        for query in range(0, queries.shape[0], SIDE):
            tile_dots(queries, query, padded, 0, lanes, sums)
            offer_tile(sums, filled, query, last, stop - last, cosines, slots, sizes)
    for b in range(slots.shape[0]):
        finish(cosines[b], slots[b], sizes[b])


@kernel
def offer_tile(sums: Array, filled: Array, query: Number, key: Number, width: Number, cosines: Array, slots: Array,
               sizes: Array) -> None:
    """Offer the sums of a tile, of which `width` keys are real, to the top k of its queries."""
    k = slots.shape[1]
    for i in range(min(SIDE, slots.shape[0] - query)):
        b = query + i
        for c in range(width):
            cosine = sums[SIDE * i + c]
            if (sizes[b] < k or cosine > cosines[b, 0]) and filled[key + c]:
                sizes[b] = offer(cosines[b], slots[b], sizes[b], cosine, key + c)
