"""The search in two looks, which `sketch` and `buckets` share: codes first, then the keys themselves.

1. The first look takes all slots whose coarse score (`codes.py`) reaches a cut: the one that the share FIRST_LOOK of
   the slots would reach, were all scores normal with the mean and the spread of a sample.
2. Of what it took the cosine is guessed from the whole code; then the cosines themselves are computed, the best guess
   first. The k-th best cosine c so far says how far to go: a key better than c has a guess, and a coarse score, of at
   least so much, with near certainty (SIGMAS standard deviations).
3. If a better key than c would, with the same certainty, have been in the first look, this is the answer: so it is
   when something near was stored. Else a second look goes as far as c asks.

So the number compared adapts to how the keys lie around the query: one or two where one neighbour stands out, a whole
cluster where the query fell into one. Only where c asks for more than `budget` slots, and they are no more than lie
there by chance or more than the share AMPLE of the memory, the second look stops at about `budget` slots.

Where so many slots look near that there is no room for them, or fewer than k were found, the query is answered exactly.
"""

import functools
from abc import abstractmethod
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import codes, jit, protocol

if TYPE_CHECKING:
    from refmem.neighbours.look_kernels import Desk, Measure, Sample

FIRST_LOOK = 1 / 1024
LARGE_BUDGET = 1 / 96
"""The share of a large memory that is looked through where nothing is near."""

AMPLE = 1 / 16
SIGMAS = 2.5
BATCH = 16
"""Queries that one pass over the codes serves."""

STRIP = 16
"""Groups of codes that are scored before anybody looks at the scores."""


class Coded(protocol.Neighbours):
    """An index of codes over `keys` [m, d] of NumPy. Where codes are kept, and which a look meets, the heirs say."""

    seed: int
    threads: int
    budget: int | None = None
    end: int  # one more than the last written slot
    written: int  # how many slots are
    fine: Array  # [m, bytes] uint8, the fine codes
    measure: "Measure"

    @abstractmethod
    def _sample(self) -> "Sample":
        """Some slots, spread over the memory."""

    @abstractmethod
    def _look(self, desk: "Desk", asked: int) -> None:
        """For the first `asked` queries of `desk.who`, find slots that reach their cut and were not seen before."""

    @abstractmethod
    def _write(self, slots: Array) -> None:
        """Bring the codes of `slots` up to date."""

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        protocol.check_queries(queries, self.keys, k)
        queries = np.ascontiguousarray(queries)
        batch = len(queries)
        slots, cosines = protocol.absent(batch, k, queries.dtype)
        if self.written:
            sample = self._sample()
            size = max(1, min(BATCH, -(-batch // self.threads)))
            jit.in_threads(lambda rows: self._answer(queries[rows], sample, slots[rows], cosines[rows]),
                           [slice(start, start + size) for start in range(0, batch, size)], self.threads)
        return slots, cosines

    def _answer(self, queries: Array, sample: "Sample", slots: Array, cosines: Array) -> None:
        """Search for at most `BATCH` queries."""
        from refmem.neighbours import codes_kernels, look_kernels, rank_kernels

        batch, k = slots.shape
        desk, wanted = self._desk(batch, k)
        codes_kernels.read_queries(self.measure.rotation, queries, desk.reading)
        look_kernels.set_first_cuts(sample, self.filled, first_look(self.end, k), desk)
        self._look(desk, len(desk.who))
        asked = rank_kernels.answer_first(queries, self.keys, self.fine, self.measure, desk, wanted, cosines, slots)
        if asked:
            look_kernels.set_second_cuts(sample, self.filled, self.written, self._budget(k), AMPLE, desk, wanted, asked)
            self._look(desk, asked)
            rank_kernels.answer_second(queries, self.keys, self.fine, self.measure, desk, asked, cosines, slots)
        rank_kernels.answer_last(queries, self.keys, self.filled, self.end, self.written, desk, cosines, slots)

    def _desk(self, batch: int, k: int) -> tuple["Desk", Array]:
        """Room for the work on a batch, and for the scores that a second look must reach."""
        from refmem.neighbours import codes_kernels, look_kernels

        coordinates = codes.BLOCK * self.fine.shape[1]
        room = 1 << (max(4096, 8 * k, self.end // 8) - 1).bit_length()
        dtype = self.keys.dtype

        def make() -> tuple[look_kernels.Desk, Array]:
            reading = codes_kernels.Reading(np.empty((batch, coordinates), dtype), np.empty(batch),
                                            np.empty((batch + 1, coordinates // codes.BLOCK, 16), np.int8))
            finds = look_kernels.Finds(np.empty((batch, room), np.int32), np.empty((batch, room), np.int16),
                                       np.empty(batch, np.int64))
            desk = look_kernels.Desk(
                reading, finds, cuts=np.empty(batch + 1, np.int8), seen_cuts=np.empty(batch + 1, np.int16),
                scores=np.empty((STRIP, batch + 1, codes_kernels.GROUP), np.int8),
                passed=np.empty((STRIP, batch + 1), np.uint64), sizes=np.empty(batch, np.int64),
                crowded=np.empty(batch, bool), who=np.empty(-(-batch // 4) * 4, np.uint64))
            return desk, np.empty(batch, np.int64)

        return jit.scratch(("desk", batch, coordinates, room, dtype), make)

    def _budget(self, k: int) -> int:
        """Slots of the whole memory that a second look may take where nothing is near."""
        return max(max(1024, int(LARGE_BUDGET * self.written)) if self.budget is None else self.budget, 4 * k)

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        self._write(slots)
        there = self.filled[slots]
        if not there.all():
            fresh = np.unique(slots[~there])
            self.filled[fresh] = True
            self.written += len(fresh)
            self.end = max(self.end, 1 + int(fresh[-1]))

    def _begin(self, keys: Array, filled: Array) -> None:
        """Draw the rotation for keys [m, d], and make room for the fine codes."""
        from refmem.neighbours import look_kernels, tile_kernels

        self.keys, self.filled = keys, filled
        self.end, self.written = protocol.end_of(filled), int(filled.sum())
        drawn = codes.coding(keys.shape[1], self.seed)
        rotation = np.pad(drawn.rotation, ((0, -len(drawn.rotation) % tile_kernels.KEYS), (0, 0))).astype(keys.dtype)
        self.fine = np.zeros((len(keys), len(drawn.rotation) // 8), np.uint8)
        self.measure = look_kernels.Measure(rotation, drawn.small, drawn.more, np.array(drawn.coarse),
                                            np.array(drawn.guess), SIGMAS)


@functools.lru_cache(maxsize=64)
def first_look(end: int, k: int) -> float:
    """How many standard deviations above the mean the first look stops, so that it takes the share FIRST_LOOK of the
    slots (more where many neighbours are wanted), were the scores normal.
    """
    share = max(FIRST_LOOK, min(k, 256) / 65536, 2 * k / end)
    return -NormalDist().inv_cdf(min(0.5, share))


def prepare(kind: type[Coded], dtype: np.dtype[Any]) -> None:
    """Have all kernels of an index compiled for keys of `dtype`."""
    def warm_up() -> None:
        keys = np.eye(2, dtype=dtype)
        index = object.__new__(kind)
        index.seed, index.threads = 0, 1
        index.rebuild(keys)
        index.update(np.arange(2), keys)
        for k in (1, 2):
            index._answer(keys, index._sample(), *protocol.absent(2, k, dtype))

    jit.prepare(kind.name, dtype, warm_up)
