"""The compiled passes of `sketch`: writing the codes of slots, and scanning them."""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.answer import answer, looking
from refmem.neighbours.kernels.codes import BYTE, GROUP, MANY, put_code, turn_slots
from refmem.neighbours.kernels.llvm import Number, kernel, lowest, prefetch
from refmem.neighbours.kernels.look import Desk, Held, Measure, Sample, room_for_scores
from refmem.neighbours.kernels.lookup import ABREAST, score_group


class Sketches(NamedTuple):
    """The codes of all slots."""

    coarse: Array  # [groups, bytes, 64] uint8, slot s is column s % 64 of group s // 64
    fine: Array  # [m, bytes] uint8


# numba unpacks a named tuple slowly, 2 us for each of its fields, but arrays at once: so they come one by one.


@kernel
def sketch_slots(rotation: Array, keys: Array, slots: Array, coarse: Array, fine: Array) -> None:
    """Write the codes of keys[slots]."""
    many = min(MANY, len(slots))
    rows = np.empty((many, keys.shape[1]), keys.dtype)
    values = np.empty((many, BYTE * fine.shape[1]), keys.dtype)
    coarse_at, fine_at = coarse.ctypes.data, fine.ctypes.data
    for first in range(0, len(slots), MANY):
        some = slots[first:first + MANY]
        for slot in some:
            for t in range(coarse.shape[1]):
                prefetch(np.uintp(coarse_at + (slot // GROUP * coarse.shape[1] + t) * GROUP))
            prefetch(np.uintp(fine_at + slot * fine.shape[1]))
        turn_slots(rotation, keys, some, rows, values)
        for i in range(len(some)):
            put_code(values[i], some[i] // GROUP, some[i] % GROUP, some[i], coarse, fine)


@kernel
def search(queries: Array, keys: Array, filled: Array, end: Number, written: Number, fine: Array, rotation: Array,
           weights: Array, coarse_spread: Array, guess_spread: Array, sigmas: Number, deviations: Number,
           budget: Number, found_slots: Array, found_marks: Array, cosines: Array, slots: Array, coarse: Array,
           sample_slots: Array, sample_groups: Array) -> None:
    """`answer` by a scan of all codes."""
    answer(queries, Sketches(coarse, fine), Held(keys, fine, filled, end, written),
           Measure(rotation, weights, coarse_spread, guess_spread, sigmas), Sample(coarse, sample_groups, sample_slots),
           deviations, budget, found_slots, found_marks, cosines, slots)


@looking(Sketches)
def scan(index: Sketches, held: Held, desk: Desk, asked: Number) -> None:
    """`look` at all slots. The fine code of what was found is asked for at once."""
    codes, fine, filled, end, holes = index.coarse, index.fine, held.filled, held.end, held.written < held.end
    tables, cuts, seen_cuts, who = desk.reading.coarse, desk.cuts, desk.seen_cuts, desk.who
    slots, marks, counts = desk.finds.slots, desk.finds.marks, desk.finds.counts
    fine_at, fine_bytes, room = fine.ctypes.data, fine.shape[1], slots.shape[1]
    scores, passed = room_for_scores()
    counts[:] = 0
    for group in range(-(-end // GROUP)):
        for first in range(0, asked, ABREAST):
            if score_group(codes, group, tables, who, first, cuts, scores, passed):
                for i in range(ABREAST):
                    b, word = who[first + i], passed[i]
                    while word:
                        column = lowest(word)
                        word &= word - np.uint64(1)
                        slot, score, count = GROUP * group + column, scores[i, column], counts[b]
                        if count < room and slot < end and score < seen_cuts[b] and not (holes and not filled[slot]):
                            slots[b, count], marks[b, count] = slot, score
                            counts[b] = count + 1
                            prefetch(np.uintp(fine_at + slot * fine_bytes))
