"""The compiled pass of `fused`."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.top_kernels import Number, dot, finish, kernel, offer

TILE = 64
"""Keys compared with all queries while they stay in the fastest cache."""


@kernel
def search_range(queries: Array, keys: Array, filled: Array, start: Number, stop: Number, slots: Array,
                 cosines: Array) -> None:
    """The k best of the filled slots in start..stop-1 for each query, into `slots` and `cosines` [B, k]."""
    batch = queries.shape[0]
    sizes = np.zeros(batch, np.int64)
    for tile in range(start, stop, TILE):
        for b in range(batch):
            size = sizes[b]
            query = queries[b]
            for slot in range(tile, min(tile + TILE, stop)):
                if filled[slot]:
                    cosine = dot(query, keys[slot])
                    if size < slots.shape[1] or cosine > cosines[b, 0]:
                        size = offer(cosines[b], slots[b], size, cosine, slot)
            sizes[b] = size
    for b in range(batch):
        finish(cosines[b], slots[b], sizes[b])
