"""Sketches: scan a short code of every key, and compare exactly only what looks near (`coded.py`).

The hash of the paper gives each key a bit a hyperplane and looks into the buckets of similar hashes. Here bits are no
address but a measure (`codes.py`), and no bucket can miss a neighbour. Reading all coarse codes costs little: 8 bytes
a key of width 128, and 64 keys meet four queries at a time in the registers (`lookup_kernels.py`).
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import coded, jit, protocol

if TYPE_CHECKING:
    from refmem.neighbours.look_kernels import Desk, Sample

SAMPLE = 16
"""Groups of 64 slots from which the usual scores are taken."""


class Sampled(NamedTuple):
    """Which slots the sample takes, as long as `end` stays."""

    end: int
    groups: Array  # [groups]
    slots: Array  # [groups, 64], -1 behind the end


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
        Slots looked at where nothing is near, at least 4 k. None is a 96th of the memory, at least 1024. More never
        finds less.
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
        from refmem.neighbours import codes_kernels, sketch_kernels

        self._begin(keys, filled)
        group = codes_kernels.GROUP
        coarse = np.zeros((-(-len(keys) // group), self.fine.shape[1] // 2, group), np.uint8)
        self.sketches = sketch_kernels.Sketches(coarse, self.fine)
        self._sampled = Sampled(0, np.empty(0, int), np.empty((0, group), int))
        self._write(np.flatnonzero(filled))

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(sum(part.nbytes for part in self.sketches) + self.filled.nbytes + self.measure.rotation.nbytes)

    def _write(self, slots: Array) -> None:
        from refmem.neighbours import sketch_kernels

        sketch_kernels.sketch_slots(self.measure.rotation, self.keys, slots, self.sketches)

    def _sample(self) -> "Sample":
        from refmem.neighbours import look_kernels
        from refmem.neighbours.codes_kernels import GROUP

        if self._sampled.end != self.end:
            groups = np.arange(0, -(-self.end // GROUP), max(1, self.end // (GROUP * SAMPLE)))
            slots = groups[:, None] * GROUP + np.arange(GROUP)  # [groups, 64]
            slots[slots >= self.end] = -1
            self._sampled = Sampled(self.end, groups, slots)
        return look_kernels.Sample(self.sketches.coarse, self._sampled.groups, self._sampled.slots)

    def _look(self, desk: "Desk", asked: int) -> None:
        from refmem.neighbours import look_kernels

        look_kernels.scan(self.sketches.coarse, self.fine, self.end, self.filled, desk, asked)
