"""Cross-polytope buckets: as `sketch`, but most of the sketches are not even scanned.

A random rotation turns x into coordinates y. The bucket of x is the largest of y_1 ... y_h in size, with its sign, and
the same of y_{h+1} ... y_{2h}: the nearest corners of two cross-polytopes. That makes (2h)^2 buckets. A neighbour of
the query at cosine c has coordinates c y + noise, so that its corners are among those to which the query points, and
the query visits the `probes` buckets (i, j) with the largest sum of its coordinates towards both corners (multi-probe
LSH). In them it does what `sketch` does in the whole memory: two looks by Hamming distance, exact comparison.

The larger the memory, the more corners (`h`) and the smaller the part of it that is visited; that part holds a
neighbour at cosine 0.7 with a probability of about 99 %.

Nothing is lost to a full bucket, as in rings of fixed capacity, and nothing stale remains: a rewritten slot leaves its
old bucket at once, wherever it stands (`buckets_kernels.Tables`).
"""

from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import jit, protocol
from refmem.neighbours.sketch import AMPLE, BITS, BLOCK, SIGMAS, first_look, rotations

SAMPLE = 1024
PAGE = 64

SHARES = {4: 0.60, 8: 0.48, 16: 0.38, 32: 0.28, 64: 0.20}
"""h -> the share of the buckets that is visited."""


class Buckets(protocol.Neighbours):
    """Approximate search over `keys` [m, d] of NumPy in cross-polytope buckets.

    Parameters
    ----------
    keys : [m, d] float32 or float64
        Looked into, not copied.
    filled : [m] bool, optional
        The written slots; None is all.
    seed : int
        For the rotations.
    probes : int, optional
        Buckets that a query visits. None is the share `SHARES` of them. More never finds less, unless there
        were so few slots in them (fewer than k) that the exact search stepped in.
    threads : int
        The queries of a batch are split among them.
    """

    name = "buckets"
    end: int  # one more than the last written slot
    written: int  # how many slots are

    def __init__(self, keys: Array, *, filled: Array | None = None, seed: int = 0, probes: int | None = None,
                 threads: int = 1) -> None:
        if probes is not None and (not isinstance(probes, int) or probes < 1):
            raise ValueError(f"probes must be a whole number of at least 1 or None, got {probes!r}")
        self.seed, self.probes, self.threads = seed, probes, jit.check_threads(threads)
        protocol.check_host_keys(self.name, keys)
        jit.prepare(self.name, keys.dtype, lambda: _warm_up(keys.dtype))
        self.rebuild(keys, filled)

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        protocol.check_queries(queries, self.keys, k)
        queries = np.ascontiguousarray(queries)
        from refmem.neighbours import buckets_kernels

        batch = len(queries)
        slots, cosines = protocol.absent(batch, k, queries.dtype)
        if self.written == 0:
            return slots, cosines
        buckets = (2 * self.h) ** 2
        probes = int(SHARES[self.h] * buckets) if self.probes is None else min(self.probes, buckets)
        budget = int(max(1024, 4 * k) / SHARES[self.h])  # of the whole memory; a part of it is looked at
        room = max(4096, 8 * k, self.end // 8)
        deviations = first_look(self.end, k)

        def look(block: slice) -> None:
            found = jit.scratch("found", (len(queries[block]), room), np.int32)
            apart = jit.scratch("apart", (len(queries[block]), room), np.int16)
            pages = jit.scratch("pages", self.tables.sizes.shape, np.int32)
            visitors = jit.scratch("visitors", self.tables.sizes.shape, np.uint64)
            buckets_kernels.search(queries[block], self.keys, self.filled, self.tables, self.hyperplanes, self.h,
                                   self.end, self.written, probes, deviations, budget, AMPLE, SIGMAS,
                                   SAMPLE, pages, visitors, found, apart, slots[block], cosines[block])

        size = max(1, min(BLOCK, -(-batch // self.threads)))
        jit.in_threads(look, [slice(start, start + size) for start in range(0, batch, size)], self.threads)
        return slots, cosines

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        from refmem.neighbours import buckets_kernels

        buckets_kernels.place_slots(self.tables, self.hyperplanes, self.h, self.keys, slots)
        fresh = np.unique(slots[~self.filled[slots]])
        self.filled[fresh] = True
        self.written += len(fresh)
        self.end = max(self.end, 1 + int(slots.max(initial=-1)))

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_host_keys(self.name, keys)
        filled = protocol.check_filled(filled, keys)
        from refmem.neighbours import buckets_kernels

        m, d = keys.shape
        self.h = next((h for h in sorted(SHARES) if m <= 256 * (2 * h) ** 2), max(SHARES))
        self.hyperplanes = rotations(BITS, d, self.seed).astype(keys.dtype)  # [bits, d]
        buckets = (2 * self.h) ** 2
        pages = -(-m // PAGE) + min(m, buckets)  # the full ones, and one partly filled for each bucket
        self.tables = buckets_kernels.Tables(
            first=np.full(buckets, -1, np.int32), following=np.arange(1, pages + 1, dtype=np.int32),
            free=np.zeros(1, np.int32), owner=np.zeros(pages, np.int32), sizes=np.zeros(pages, np.int32),
            slots=np.zeros((pages, PAGE), np.int32), sketches=np.zeros((2, pages, 2, PAGE), np.uint64),
            places=np.full(m, -1, np.int32))
        written = np.flatnonzero(filled)
        buckets_kernels.place_slots(self.tables, self.hyperplanes, self.h, keys, written)
        self.keys, self.filled = keys, filled
        self.end, self.written = protocol.end_of(filled), len(written)

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(sum(table.nbytes for table in self.tables) + self.filled.nbytes + self.hyperplanes.nbytes)


def _warm_up(dtype: np.dtype[Any]) -> None:
    keys = np.eye(2, dtype=dtype)
    index = object.__new__(Buckets)
    index.seed, index.probes, index.threads = 0, None, 1
    index.rebuild(keys)
    index.update(np.arange(2), keys)
    index.search(keys, 1)
