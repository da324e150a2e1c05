"""The search in two looks, which `sketch` and `buckets` share: codes first, then the keys themselves.

1. The first look takes all slots whose coarse score (`codes.py`) reaches a cut: the one that the share FIRST_LOOK of
   the slots would reach, were all scores normal with the mean and the spread of a sample.
2. Of what it took the cosine is guessed from the whole code; then the cosines themselves are computed, the best guess
   first. The k-th best cosine c so far says how far to go: a key better than c has a guess, and a coarse score, of at
   least so much, with near certainty (`certainty`).
3. If a better key than c would, with the same certainty, have been in the first look, this is the answer: so it is
   when something near was stored. Else a second look goes as far as c asks. (Here c is the cosine of the k-th best
   but an eighth: the last of many neighbours are no nearer than many others.)

So the number compared adapts to how the keys lie around the query: one or two where one neighbour stands out, a whole
cluster where the query fell into one. Only where c asks for more than `budget` slots, and they are no more than lie
there by chance or more than a sixteenth of the memory (AMPLE), the second look stops at about `budget` slots.

Where so many slots look near that there is no room for them, or fewer than k were found, the query is answered exactly.
"""

import functools
import math
from abc import abstractmethod
from statistics import NormalDist
from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import codes, compiled, jit, protocol

FIRST_LOOK = 1 / 2048
LARGE_BUDGET = 1 / 96
"""The share of a large memory that is looked through where nothing is near."""

BATCH = 16
"""Queries that one pass over the codes serves."""


class Coded(compiled.Compiled):
    """An index of codes over `keys` [m, d] of NumPy. Where codes are kept, and which a look meets, the heirs say."""

    seed: int
    threads: int
    budget: int | None = None
    end: int  # one more than the last written slot
    written: int  # how many slots are
    fine: Array  # [m, bytes] uint8, the fine codes
    _sampled: tuple[int, tuple[Array, ...]] | None
    measure: tuple[Array, ...]  # the rotation, and what is known of scores (`kernels.look.Measure`)

    @abstractmethod
    def _answer(self, *given: Any) -> None:
        """Search for at most `BATCH` queries: the arguments of `kernels.sketch.search` up to `slots`."""

    @abstractmethod
    def _draw_sample(self) -> tuple[Array, ...]:
        """Some written slots [., 64], spread over the memory, -1 for none; and what else finds their codes."""

    @abstractmethod
    def _write(self, slots: Array) -> None:
        """Bring the codes of `slots` up to date."""

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        queries, k = self._check_queries(queries, k)
        batch = len(queries)
        if not self.written:
            return protocol.absent(batch, k, queries.dtype)
        slots, cosines = np.empty((batch, k), np.int64), np.empty((batch, k), queries.dtype)
        limits = certainty(k), first_look(self.end, k), self._budget(k)

        def look(rows: slice) -> None:
            self._answer(queries[rows], self.keys, self.filled, self.end, self.written, self.fine, *self.measure,
                         *limits, *self._room(k), cosines[rows], slots[rows])

        size = max(1, min(BATCH, -(-batch // self.threads)))
        jit.in_threads(look, [slice(start, start + size) for start in range(0, batch, size)], self.threads)
        return slots, cosines

    def _sample(self) -> tuple[Array, ...]:
        """The slots from which the usual scores are taken, as long as `end` stays."""
        if self._sampled is None or self._sampled[0] != self.end:
            self._sampled = self.end, self._draw_sample()
        return self._sampled[1]

    def _room(self, k: int) -> tuple[Array, Array]:
        """Room for the slots that a look finds, and for a mark on each of them."""
        room = 1 << (max(4096, 8 * k, self.end // 8) - 1).bit_length()
        return jit.scratch(("finds", room), lambda: (np.empty((BATCH, room), np.int32),
                                                     np.empty((BATCH, room), np.int16)))

    def _budget(self, k: int) -> int:
        """Slots of the whole memory that a second look may take where nothing is near."""
        return max(max(1024, int(LARGE_BUDGET * self.written)) if self.budget is None else self.budget, 4 * k)

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        slots = compiled.plain(slots.astype(np.int64, copy=False))
        self._write(slots)
        if self.written < len(self.keys):
            fresh = np.unique(slots[~self.filled[slots]])
            self.filled[fresh] = True
            self.written += len(fresh)
            self.end = max(self.end, 1 + int(fresh.max(initial=-1)))

    def _begin(self, keys: Array, filled: Array) -> None:
        """Draw the rotation for keys [m, d], and make room for the fine codes."""
        from refmem.neighbours.kernels import tile as kernels

        self.keys, self.filled, self._sampled = keys, filled, None
        self.end, self.written = protocol.end_of(filled), int(filled.sum())
        drawn = codes.coding(keys.shape[1], self.seed)
        rotation = np.pad(drawn.rotation, ((0, -len(drawn.rotation) % kernels.KEYS), (0, 0))).astype(keys.dtype)
        self.fine = np.zeros((len(keys), len(drawn.rotation) // 8), np.uint8)
        self.measure = (rotation, np.array([drawn.small, drawn.more]), np.array(drawn.coarse), np.array(drawn.guess))


def certainty(k: int) -> float:
    """How many standard deviations less lucky than usual a neighbour may be, and is still found: 2.5 for the nearest
    (99.4 % are no less lucky), down to 2 for the last of 256 (97.7 %), of whom one may rather be missed.
    """
    return max(2.0, 2.5 - math.log2(k) / 16)


@functools.lru_cache(maxsize=64)
def first_look(end: int, k: int) -> float:
    """How many standard deviations above the mean the first look stops, so that it takes the share FIRST_LOOK of the
    slots (more where many neighbours are wanted), were the scores normal.
    """
    share = max(FIRST_LOOK, min(k, 256) / 131072, 2 * k / end)
    return -NormalDist().inv_cdf(min(0.5, share))


def prepare(kind: type[Coded], dtype: np.dtype[Any]) -> None:
    """Have all kernels of an index compiled for keys of `dtype`."""
    def warm_up() -> None:
        keys = np.eye(2, dtype=dtype)
        index = object.__new__(kind)
        index.seed, index.threads = 0, 1
        index.rebuild(keys)
        index.update(np.arange(2), keys.copy())
        for k in (1, 2):
            index.search(keys.copy(), k)

    jit.prepare(kind.name, dtype, warm_up)
