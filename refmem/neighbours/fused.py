"""The exact search as one compiled pass: each key is read once and compared with all queries, and only the k best so
far are kept. There is no [B, m] array of cosines and no partition of it.

Agrees with `exact.search` up to the rounding of the dot products (and so in the order of keys whose cosines differ by
no more than that); equal keys have exactly equal cosines, in the order of their slots.
"""

import numpy as np

from refmem.arrays import Array, top_k
from refmem.neighbours import compiled, jit, protocol


class Fused(compiled.Compiled):
    """Exact search over `keys` [m, d] of NumPy.

    Parameters
    ----------
    keys : [m, d] float32 or float64
        Looked into, not copied.
    filled : [m] bool, optional
        The written slots; None is all.
    threads : int
        The slots are split among them.
    """

    name = "fused"
    end: int  # one more than the last written slot

    def __init__(self, keys: Array, *, filled: Array | None = None, threads: int = 1) -> None:
        self.threads = jit.check_threads(threads)
        self.rebuild(keys, filled)
        jit.prepare(self.name, self.keys.dtype, self._warm_up)

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        return self._search(*self._check_queries(queries, k))

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        self.filled[slots] = True
        self.end = max(self.end, 1 + int(slots.max(initial=-1)))

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_host_keys(self.name, keys)
        self.filled = protocol.check_filled(filled, keys)
        self.end = protocol.end_of(self.filled)
        self.keys = keys

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(self.filled.nbytes)

    def _warm_up(self) -> None:
        self._check_update(np.zeros(1, int), self.keys[:1])
        self._search(self.keys[:1].copy(), 1)

    def _search(self, queries: Array, k: int) -> tuple[Array, Array]:
        from refmem.neighbours.kernels import fused as kernels

        batch, parts = len(queries), self.threads
        bounds = np.linspace(0, self.end, parts + 1).astype(int)
        slots = np.empty((parts, batch, k), np.int64)
        cosines = np.empty((parts, batch, k), queries.dtype)

        def look(part: int) -> None:
            kernels.search_range(queries, self.keys, self.filled, bounds[part], bounds[part + 1], slots[part],
                                 cosines[part])

        jit.in_threads(look, range(parts), parts)
        if parts == 1 or batch == 0:
            return slots[0], cosines[0]

        # The parts stand in the order of their slots, so that a stable top k keeps the lower of equals.
        joined = slots.transpose(1, 0, 2).reshape(batch, -1)  # [B, parts * k]
        scores = cosines.transpose(1, 0, 2).reshape(batch, -1)
        scores[joined < 0] = -np.inf
        best = top_k(scores, k)  # [B, k]
        nearest = np.take_along_axis(joined, best, axis=1)
        return nearest, np.where(nearest < 0, -1, np.take_along_axis(scores, best, axis=1)).astype(queries.dtype)
