"""Sign sketches: scan 256 bits of every key, and compare exactly only what looks near.

Bit j of a sketch is 1 iff x . h_j > 0, for hyperplanes h_j from random rotations (the rows of one rotation are
orthogonal, so that their bits say different things). Two unit vectors at angle theta differ in each bit with
probability p = theta / pi, so that the Hamming distance of two sketches tells the cosine:

    distance ~ bits p,   give or take   sqrt(bits p (1 - p)),   p = arccos(cosine) / pi.

The hash of the paper is the same bit; here it is not an address but a measure, and no bucket can miss a neighbour.

1. The first look takes all slots up to some Hamming distance over 128 of the bits: the distance within which the share
   FIRST_LOOK of the slots would lie, were all distances normal with the mean and the spread of a sample.
2. What it took is compared exactly, the nearest sketch (over all bits) first. The k-th best cosine c so far says how
   far to go: a key better than c differs in few enough bits with near certainty (SIGMAS standard deviations).
3. If a better key than c would, with the same certainty, have been in the first look, this is the answer: so it is
   when something near was stored. Else a second look, over all bits, goes as far as c asks.

So the number compared adapts to how the keys lie around the query: one or two where one neighbour stands out, a whole
cluster where the query fell into one. Only where c asks for more than `budget` slots, and they are no more than lie
there by chance or more than the share AMPLE of the memory, the second look stops at about `budget` slots.

Reading all sketches costs little: a group of 64 slots stays in registers while it meets every query of a batch.
"""

from statistics import NormalDist
from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import jit, protocol

BITS = 256
FIRST_LOOK = 1 / 1024
AMPLE = 1 / 16
SIGMAS = 2.5
SAMPLE = 4096
BLOCK = 16
"""Queries that one pass over the sketches serves."""


class Sketch(protocol.Neighbours):
    """Approximate search over `keys` [m, d] of NumPy by scanning sign sketches.

    Parameters
    ----------
    keys : [m, d] float32 or float64
        Looked into, not copied.
    filled : [m] bool, optional
        The written slots; None is all.
    seed : int
        For the hyperplanes.
    budget : int, optional
        Slots compared where nothing is near, at least 4 k. None is max(1024, 4 k). More never finds less.
    threads : int
        The queries of a batch are split among them.
    """

    name = "sketch"
    end: int  # one more than the last written slot
    written: int  # how many slots are

    def __init__(self, keys: Array, *, filled: Array | None = None, seed: int = 0, budget: int | None = None,
                 threads: int = 1) -> None:
        if budget is not None and (not isinstance(budget, int) or budget < 1):
            raise ValueError(f"budget must be a whole number of at least 1 or None, got {budget!r}")
        self.seed, self.budget, self.threads = seed, budget, jit.check_threads(threads)
        protocol.check_host_keys(self.name, keys)
        jit.prepare(self.name, keys.dtype, lambda: _warm_up(keys.dtype))
        self.rebuild(keys, filled)

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        protocol.check_queries(queries, self.keys, k)
        queries = np.ascontiguousarray(queries)
        from refmem.neighbours import sketch_kernels

        batch = len(queries)
        slots, cosines = protocol.absent(batch, k, queries.dtype)
        if self.written == 0:
            return slots, cosines
        budget = max(1024 if self.budget is None else self.budget, 4 * k)
        room = max(4096, 8 * k, self.end // 8)
        deviations = first_look(self.end, k)

        def look(block: slice) -> None:
            found = jit.scratch("found", (len(queries[block]), room), np.int32)
            apart = jit.scratch("apart", (len(queries[block]), room), np.int16)
            sketch_kernels.search(queries[block], self.keys, self.filled, self.sketches, self.hyperplanes, self.end,
                                  self.written, deviations, budget, AMPLE, SIGMAS, SAMPLE, found, apart,
                                  slots[block], cosines[block])

        size = min(BLOCK, -(-batch // self.threads))
        jit.in_threads(look, [slice(start, start + size) for start in range(0, batch, max(1, size))], self.threads)
        return slots, cosines

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        from refmem.neighbours import sketch_kernels

        sketch_kernels.sketch_slots(self.hyperplanes, self.keys, slots, self.sketches)
        fresh = np.unique(slots[~self.filled[slots]])
        self.filled[fresh] = True
        self.written += len(fresh)
        self.end = max(self.end, 1 + int(slots.max(initial=-1)))

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_host_keys(self.name, keys)
        filled = protocol.check_filled(filled, keys)
        from refmem.neighbours import sketch_kernels

        m, d = keys.shape
        self.hyperplanes = rotations(BITS, d, self.seed).astype(keys.dtype)  # [bits, d]
        self.sketches = np.zeros((2, -(-m // 64), 2, 64), np.uint64)  # [coarse and fine, groups, words, slots]
        written = np.flatnonzero(filled)
        sketch_kernels.sketch_slots(self.hyperplanes, keys, written, self.sketches)
        self.keys, self.filled = keys, filled
        self.end, self.written = protocol.end_of(filled), len(written)

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(self.sketches.nbytes + self.filled.nbytes + self.hyperplanes.nbytes)


def first_look(end: int, k: int) -> float:
    """How many standard deviations below the mean the first look goes, so that it takes the share FIRST_LOOK of the
    slots (more where many neighbours are wanted), were the distances normal.
    """
    share = max(FIRST_LOOK, min(k, 256) / 65536, 2 * k / end)
    return -NormalDist().inv_cdf(min(0.5, share))


def rotations(rows: int, d: int, seed: int) -> Array:
    """`rows` unit vectors of width `d`, those of each run of `d` orthogonal to each other. [rows, d] float64"""
    rng = np.random.default_rng(seed)
    turns = [np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(-(-rows // d))]
    return np.concatenate(turns)[:rows]


def _warm_up(dtype: np.dtype[Any]) -> None:
    keys = np.eye(2, dtype=dtype)
    index = object.__new__(Sketch)
    index.seed, index.budget, index.threads = 0, None, 1
    index.rebuild(keys)
    index.update(np.arange(2), keys)
    index.search(keys, 1)
