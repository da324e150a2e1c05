"""Sketches: scan a short code of every key, and compare exactly only what looks near (`coded.py`).

The hash of the paper gives each key a bit a hyperplane and looks into the buckets of similar hashes. Here bits are no
address but a measure (`codes.py`), and no bucket can miss a neighbour. Reading all coarse codes costs little: 8 bytes
a key of width 128, and 64 keys meet four queries at a time in the registers (`kernels.lookup`).
"""

from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import coded, jit, protocol

GROUP = 64
SAMPLE = 16
"""Groups of 64 slots from which the usual scores are taken."""


class Sketch(coded.Coded):
    """Approximate search over `keys` [m, d] of NumPy by scanning codes.

    Parameters
    ----------
    keys : [m, d] float32 or float64
        Looked into, not copied.
    filled : [m] bool, optional
        The written slots; None is all.
    seed : int
        For the rotation.
    budget : int, optional
        Slots looked at where nothing is near, at least 4 k. None is a 96th of the memory, at least 1024. More finds
        more, but for luck: what more finds may end the comparison before a neighbour whose code is unlucky.
    threads : int
        The queries of a batch are split among them.
    """

    name = "sketch"

    def __init__(self, keys: Array, *, filled: Array | None = None, seed: int = 0, budget: int | None = None,
                 threads: int = 1) -> None:
        if budget is not None and (not isinstance(budget, int) or budget < 1):
            raise ValueError(f"budget must be a whole number of at least 1 or None, got {budget!r}")
        self.seed, self.budget, self.threads = seed, budget, jit.check_threads(threads)
        protocol.check_host_keys(self.name, keys)
        coded.prepare(Sketch, keys.dtype)
        self.rebuild(keys, filled)

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_host_keys(self.name, keys)
        filled = protocol.check_filled(filled, keys)
        self._begin(keys, filled)
        self.coarse = np.zeros((-(-len(keys) // GROUP), self.fine.shape[1] // 2, GROUP), np.uint8)
        self._write(np.flatnonzero(filled))

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(self.coarse.nbytes + self.fine.nbytes + self.filled.nbytes + self.measure[0].nbytes)

    def _write(self, slots: Array) -> None:
        from refmem.neighbours.kernels import sketch as kernels

        kernels.sketch_slots(self.measure[0], self.keys, slots, self.coarse, self.fine)

    def _answer(self, *given: Any) -> None:
        from refmem.neighbours.kernels import sketch as kernels

        kernels.search(*(*given, self.coarse, *self._sample()))

    def _draw_sample(self) -> tuple[Array, ...]:
        groups = np.arange(0, -(-self.end // GROUP), max(1, self.end // (GROUP * SAMPLE)))
        slots = groups[:, None] * GROUP + np.arange(GROUP)  # [groups, 64]
        slots[slots >= self.end] = -1
        return slots, groups
