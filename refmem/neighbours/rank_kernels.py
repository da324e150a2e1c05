"""From what a look found to the answers: guesses at the cosine by the whole code, then the cosines themselves."""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.codes_kernels import BYTE, weigh_signs
from refmem.neighbours.llvm_kernels import Number, kernel, prefetch, prefetch_row
from refmem.neighbours.look_kernels import Desk, Measure, cut_for, in_fours, least
from refmem.neighbours.lookup_kernels import disagreement
from refmem.neighbours.top_kernels import begin, dot, finish, offer

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


@kernel
def rank(b: Number, measure: Measure, fine: Array, desk: Desk, last: Number) -> None:
    """Replace the coarse scores of what was found by the ranks of the guesses; what is behind rank `last` goes."""
    slots, marks, count = desk.finds.slots[b], desk.finds.marks[b], desk.finds.counts[b]
    signs, sizes = np.empty(fine.shape[1], np.uint8), np.empty(BYTE * fine.shape[1], np.uint8)
    unit = weigh_signs(desk.reading.turned[b], signs, sizes)
    agreed = 0  # the fine score is what agrees, less what does not
    for size in sizes:
        agreed += size
    all_agree, each = measure.small * unit * agreed, 2 * measure.small * unit
    more, fine_at, length = measure.more * desk.reading.units[b], fine.ctypes.data, fine.shape[1]
    kept = 0
    for i in range(count):
        if i + FAR_AHEAD < count:
            prefetch(np.uintp(fine_at + np.int64(slots[i + FAR_AHEAD]) * length))
        slot = slots[i]
        place = rank_of(all_agree - each * disagreement(fine, slot, signs, sizes) + more * marks[i])
        slots[kept], marks[kept] = slot, place
        kept += place <= last
    desk.finds.counts[b] = kept


@kernel
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


# --- The answers ------------------------------------------------------------------------------------------------


@kernel
def answer_first(queries: Array, keys: Array, fine: Array, measure: Measure, desk: Desk, wanted: Array, cosines: Array,
                 slots: Array) -> Number:
    """Compare what the first look found. Returns how many queries need a second, then the first of `who`.

    A query is done if a better key than its k-th best would, with the certainty asked for, have been in the first
    look. Else `wanted` becomes the coarse score of such a key.
    """
    asked = 0
    for b in range(len(desk.sizes)):
        desk.sizes[b] = 0
        desk.crowded[b] = desk.finds.counts[b] == desk.finds.slots.shape[1]
        compare_finds(b, queries, keys, fine, measure, desk, cosines, slots)
        worst = cosines[b, 0] if desk.sizes[b] == slots.shape[1] else -1.0
        wanted[b] = cut_for(worst, measure, desk.reading, b)
        if wanted[b] < desk.cuts[b] and not desk.crowded[b]:
            desk.who[asked] = b
            asked += 1
    return in_fours(desk.who, asked, len(desk.sizes))


@kernel
def answer_second(queries: Array, keys: Array, fine: Array, measure: Measure, desk: Desk, asked: Number,
                  cosines: Array, slots: Array) -> None:
    """Compare what the second look found for the first `asked` of `who`."""
    for b in desk.who[:asked]:
        if b != len(desk.sizes):
            desk.crowded[b] = desk.finds.counts[b] == desk.finds.slots.shape[1]
            compare_finds(b, queries, keys, fine, measure, desk, cosines, slots)


@kernel
def compare_finds(b: Number, queries: Array, keys: Array, fine: Array, measure: Measure, desk: Desk, cosines: Array,
                  slots: Array) -> None:
    """Rank and compare what the last look found for query b."""
    size, finds = desk.sizes[b], desk.finds
    last = rank_for(cosines[b, 0], measure) if size == slots.shape[1] else RANKS
    rank(b, measure, fine, desk, last)
    count = finds.counts[b]
    desk.sizes[b] = compare(queries[b], keys, finds.slots[b, :count], finds.marks[b, :count], measure, cosines[b],
                            slots[b], size)


@kernel
def answer_last(queries: Array, keys: Array, filled: Array, end: Number, written: Number, desk: Desk, cosines: Array,
                slots: Array) -> None:
    """Search exactly where too many looked near or too few were found, and sort the answers."""
    for b in range(len(desk.sizes)):
        if desk.crowded[b] or desk.sizes[b] < min(slots.shape[1], written):
            size = 0
            for slot in range(end):
                if filled[slot]:
                    size = offer(cosines[b], slots[b], size, dot(queries[b], keys[slot]), slot)
            desk.sizes[b] = size
        finish(cosines[b], slots[b], desk.sizes[b])
