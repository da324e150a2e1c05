"""Cross-polytope buckets: as `sketch`, but most of the codes are not even scanned.

A random rotation turns x into coordinates y. The bucket of x is the largest of y_1 ... y_h in size, with its sign, and
the same of y_{h+1} ... y_{2h}: the nearest corners of two cross-polytopes. That makes (2h)^2 buckets. A neighbour of
the query at cosine c has coordinates c y + noise, so that its corners are among those to which the query points, and
the query visits the `probes` buckets (i, j) with the largest sum of its coordinates towards both corners (multi-probe
LSH). In them it does what `sketch` does in the whole memory (`coded.py`).

The larger the memory, the more corners (`h`) and the smaller the part of it that is visited; that part holds a
neighbour at cosine 0.7 with a probability of about 99 %. But for batches of 16 a scan is as fast, up to four million
slots, the most that were measured: it compares keys with four queries at once, and rarely do four visit one bucket.

Nothing is lost to a full bucket, as in rings of fixed capacity, and nothing stale remains: a rewritten slot leaves its
old bucket at once, wherever it stands (`kernels.buckets.Tables`).
"""

from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import coded, jit, protocol

SAMPLE = 16
"""Groups of 64 slots from which the usual scores are taken."""

PAGE = 64

SHARES = {4: 0.60, 8: 0.48, 16: 0.38, 32: 0.28, 64: 0.20}
"""h -> the share of the buckets that is visited."""


class Buckets(coded.Coded):
    """Approximate search over `keys` [m, d] of NumPy in cross-polytope buckets.

    Parameters
    ----------
    keys : [m, d] float32 or float64
        Looked into, not copied.
    filled : [m] bool, optional
        The written slots; None is all.
    seed : int
        For the rotation.
    probes : int, optional
        Buckets that a query visits. None is the share `SHARES` of them. More find more.
    threads : int
        The queries of a batch are split among them.
    """

    name = "buckets"
    probes: int | None = None

    def __init__(self, keys: Array, *, filled: Array | None = None, seed: int = 0, probes: int | None = None,
                 threads: int = 1) -> None:
        if probes is not None and (not isinstance(probes, int) or probes < 1):
            raise ValueError(f"probes must be a whole number of at least 1 or None, got {probes!r}")
        self.seed, self.probes, self.threads = seed, probes, jit.check_threads(threads)
        protocol.check_host_keys(self.name, keys)
        coded.prepare(Buckets, keys.dtype)
        self.rebuild(keys, filled)

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_host_keys(self.name, keys)
        filled = protocol.check_filled(filled, keys)
        from refmem.neighbours.kernels import buckets as kernels

        self._begin(keys, filled)
        m = len(keys)
        self.h = next((h for h in sorted(SHARES) if m <= 256 * (2 * h) ** 2), max(SHARES))
        buckets = (2 * self.h) ** 2
        pages = -(-m // PAGE) + min(m, buckets)  # the full ones, and one partly filled for each bucket
        self.tables = kernels.Tables(
            first=np.full(buckets, -1, np.int32), following=np.arange(1, pages + 1, dtype=np.int32),
            free=np.zeros(1, np.int32), owner=np.zeros(pages, np.int32), sizes=np.zeros(pages, np.int32),
            slots=np.zeros((pages, PAGE), np.int32), coarse=np.zeros((pages, self.fine.shape[1] // 2, PAGE), np.uint8),
            fine=self.fine, places=np.full(m, -1, np.int32))
        self._write(np.flatnonzero(filled))

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(sum(table.nbytes for table in self.tables) + self.filled.nbytes + self.measure[0].nbytes)

    def _budget(self, k: int) -> int:
        return int(super()._budget(k) / SHARES[self.h])  # of which a part is looked at

    def _write(self, slots: Array) -> None:
        from refmem.neighbours.kernels import buckets as kernels

        kernels.place_slots(self.measure[0], self.keys, slots, self.h, *self.tables)

    def _answer(self, *given: Any) -> None:
        from refmem.neighbours.kernels import buckets as kernels

        buckets, pages = (2 * self.h) ** 2, len(self.tables.sizes)
        probes = int(SHARES[self.h] * buckets) if self.probes is None else min(self.probes, buckets)
        listed = jit.scratch(("pages", pages), lambda: (np.empty(pages, np.int32), np.empty(pages, np.uint64)))
        kernels.search(*(*given, self.h, probes, *listed, *self._sample(), *self.tables))

    def _draw_sample(self) -> tuple[Array, ...]:
        some = np.arange(0, self.end, max(1, self.end // (PAGE * SAMPLE)))
        return (np.pad(some, (0, -len(some) % PAGE), constant_values=-1).reshape(-1, PAGE),)  # [groups, 64]
