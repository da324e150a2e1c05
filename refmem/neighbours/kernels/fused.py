"""The compiled pass of `fused`."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.llvm import Number, kernel
from refmem.neighbours.kernels.tile import KEYS, across_lanes, lanes_of, tile_dots
from refmem.neighbours.kernels.top import finish, offer

STRIP = 4 * KEYS
"""Keys compared with all queries while they stay in the fastest cache."""


@kernel
def search_range(queries: Array, keys: Array, filled: Array, start: Number, stop: Number, slots: Array,
                 cosines: Array) -> None:
    """The k best of the filled slots in start..stop-1 for each query, into `slots` and `cosines` [B, k]."""
    (batch, d), lanes = queries.shape, lanes_of(keys)
    blocks = -(-batch // lanes)
    columns = np.empty((blocks, d, lanes), keys.dtype)
    for block in range(blocks):
        across_lanes(queries, block * lanes, columns[block])
    sizes = np.zeros(batch, np.int64)
    worst = np.full((blocks, lanes), np.inf, keys.dtype)  # what is to beat: the k-th best, -inf where there are fewer
    worst.ravel()[:batch] = -np.inf
    sums = np.empty((KEYS, lanes), keys.dtype)
    last = stop - (stop - start) % KEYS
    for strip in range(start, last, STRIP):
        for block in range(blocks):
            for key in range(strip, min(strip + STRIP, last), KEYS):
                tile_dots(columns[block], keys, key, STRIP, sums)
                if beaten(sums, worst[block]):
                    offer_tile(sums, filled, block * lanes, key, KEYS, cosines, slots, sizes, worst[block])

    if last < stop:  # fewer than a tile are left, and go through the same sums with zero rows behind them
        padded = np.zeros((KEYS, d), keys.dtype)
        padded[:stop - last] = keys[last:stop]
        for block in range(blocks):
            tile_dots(columns[block], padded, 0, 0, sums)
            offer_tile(sums, filled, block * lanes, last, stop - last, cosines, slots, sizes, worst[block])
    for b in range(batch):
        finish(cosines[b], slots[b], sizes[b])


@kernel
def beaten(sums: Array, worst: Array) -> Number:
    """Whether a tile has anything for the top k: the best of its keys for each query, and without a branch, since
    nearly all tiles have nothing.
    """
    found = False
    for b in range(lanes_of(sums)):
        most = sums[0, b]
        for c in range(1, KEYS):
            most = sums[c, b] if sums[c, b] > most else most
        found |= most > worst[b]
    return found


@kernel
def offer_tile(sums: Array, filled: Array, first: Number, key: Number, width: Number, cosines: Array, slots: Array,
               sizes: Array, worst: Array) -> None:
    """Offer the sums of a tile, of which `width` keys are real, to the top k of the queries from `first` on."""
    for b in range(min(len(worst), len(sizes) - first)):
        query = first + b
        for c in range(width):
            if sums[c, b] > worst[b] and filled[key + c]:
                sizes[query] = offer(cosines[query], slots[query], sizes[query], sums[c, b], key + c)
                if sizes[query] == slots.shape[1]:
                    worst[b] = cosines[query, 0]
