"""What a look found, compared: guesses at the cosine by the whole code, then the cosines themselves."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.codes import BYTE, weigh_signs
from refmem.neighbours.kernels.llvm import Number, kernel, prefetch, prefetch_row, step
from refmem.neighbours.kernels.look import Desk, Measure, least
from refmem.neighbours.kernels.lookup import disagreement
from refmem.neighbours.kernels.top import begin, dot, offer

AHEAD, FAR_AHEAD = 4, 16
"""How many keys, and codes, before its turn one is asked for."""

RANKS, RANKS_A_UNIT, BEST = 256, 128, 1.5
"""Guesses in whole numbers, 0 the best: from a cosine of 1.5, which hardly a guess exceeds, down to -0.5."""


@kernel
def rank_of(guess: Number) -> Number:
    """Guesses in whole numbers, the best first."""
    return min(RANKS - 1, max(0, np.int64((BEST - guess) * RANKS_A_UNIT)))


@kernel
def rank_for(cosine: Number, measure: Measure) -> Number:
    """The rank that a key of this cosine reaches with near certainty."""
    return rank_of(least(cosine, measure.guess, measure.sigmas, 0.0))


@step
def rank(b: Number, measure: Measure, fine: Array, desk: Desk, last: Number) -> None:
    """Replace the coarse scores of what was found by the ranks of the guesses; what is behind rank `last` goes."""
    slots, marks, count = desk.finds.slots[b], desk.finds.marks[b], desk.finds.counts[b]
    signs, sizes = np.empty(fine.shape[1], np.uint8), np.empty(BYTE * fine.shape[1], np.uint8)
    unit = weigh_signs(desk.reading.turned[b], signs, sizes)
    agreed = 0  # the fine score is what agrees, less what does not
    for size in sizes:
        agreed += size
    small, more = measure.weights[0] * unit, measure.weights[1] * desk.reading.units[b]
    fine_at, length = fine.ctypes.data, fine.shape[1]
    kept = 0
    for i in range(count):
        if i + FAR_AHEAD < count:
            prefetch(np.uintp(fine_at + np.int64(slots[i + FAR_AHEAD]) * length))
        slot = slots[i]
        place = rank_of(small * (agreed - 2 * disagreement(fine, slot, signs, sizes)) + more * marks[i])
        slots[kept], marks[kept] = slot, place
        kept += place <= last
    desk.finds.counts[b] = kept


@step
def compare(query: Array, keys: Array, found: Array, ranks: Array, measure: Measure, cosines: Array, slots: Array,
            size: Number) -> Number:
    """Offer the keys of `found` to the top k. Returns its new size.

    The best guess first, and no further than a better key than the k-th best would reach. Equal ranks stand or fall
    together, so that the order of what was found does not matter.
    """
    k = slots.shape[0]
    ends = np.zeros(RANKS + 1, np.int32)  # a sort by counting: where each rank starts, and later ends
    for place in ranks:
        ends[place + 1] += 1
    for place in range(RANKS):
        ends[place + 1] += ends[place]
    order = np.empty(len(found), np.int64)
    for i in range(len(found)):
        order[ends[ranks[i]]] = found[i]
        ends[ranks[i]] += 1

    # The first ones fill the top k at once.
    keys_at, row_bytes = keys.ctypes.data, keys.shape[1] * keys.itemsize
    place, done = 0, 0
    if size == 0 and k > 1 and len(order):
        while ends[place] < min(2 * k, len(order)):
            place += 1
        done = ends[place]
        some_cosines = np.empty(done, cosines.dtype)
        for n in range(done):
            if n + AHEAD < done:
                prefetch_row(keys_at + order[n + AHEAD] * row_bytes, row_bytes)
            some_cosines[n] = dot(query, keys[order[n]])
        size = begin(cosines, slots, some_cosines, order[:done], done)

    while done < len(order):
        while ends[place] <= done:
            place += 1
        if size == k and place > rank_for(cosines[0], measure):
            break
        for n in range(done, ends[place]):
            if n + AHEAD < len(order):
                prefetch_row(keys_at + order[n + AHEAD] * row_bytes, row_bytes)
            cosine = dot(query, keys[order[n]])
            if size < k or cosine >= cosines[0]:
                size = offer(cosines, slots, size, cosine, order[n])
        done = ends[place]
    return size
