"""The compiled passes of `sketch`: signs into words, the scan, and the exact comparison of what it lets through.

Sketches stand in groups of 64, [2, groups, 2, 64] uint64: first the coarse half (two words) of every sketch, then the
fine half, so that a coarse scan reads one run of memory.
"""

import math

import numpy as np
from numba import uint64

from refmem.arrays import Array
from refmem.neighbours.top_kernels import Number, begin, dot, finish, kernel, offer, popcount, prefetch, prefetch_row

GROUP = 64
"""Sketches compared at a time: their verdicts are the bits of one word."""

WORDS = 4
"""Words of a sketch: two coarse, two fine."""

CROWD = 4.0
"""How many times more slots than by chance make a cluster."""

AHEAD = 4
"""How many keys before its turn a key is asked for."""


# --- Making sketches --------------------------------------------------------------------------------------------


@kernel
def project(hyperplanes: Array, row: Array, values: Array) -> None:
    """values[j] = row . hyperplanes[j]"""
    for j in range(values.shape[0]):
        values[j] = dot(hyperplanes[j], row)


@kernel
def signs(values: Array, words: Array) -> None:
    """Bit j of the sketch is 1 iff values[j] > 0. `words` [WORDS] uint64."""
    for w in range(words.shape[0]):
        word = uint64(0)
        for j in range(64):
            word |= uint64(values[64 * w + j] > 0) << uint64(j)
        words[w] = word


@kernel
def put_sketch(words: Array, group: Number, column: Number, sketches: Array) -> None:
    """Write one sketch into its place."""
    for w in range(WORDS):
        sketches[w // 2, group, w % 2, column] = words[w]


@kernel
def sketch_slots(hyperplanes: Array, keys: Array, slots: Array, sketches: Array) -> None:
    """The sketches of keys[slots]: that of slot s is column s % 64 of group s // 64."""
    values, words = np.empty(hyperplanes.shape[0], keys.dtype), np.empty(WORDS, np.uint64)
    for slot in slots:
        project(hyperplanes, keys[slot], values)
        signs(values, words)
        put_sketch(words, slot // GROUP, slot % GROUP, sketches)


# --- Comparing sketches -----------------------------------------------------------------------------------------
# The loops over a group have no branch and become vector instructions; their verdicts are the bits of one word.


@kernel
def coarse_distance(half: Array, column: Number, words: Array) -> Number:
    """Bits that differ in the coarse half."""
    return popcount(half[0, column] ^ words[0]) + popcount(half[1, column] ^ words[1])


@kernel
def coarse_pass(half: Array, words: Array, cut: Number) -> Number:
    """Which sketches of a group differ from `words` in at most `cut` coarse bits."""
    passed = uint64(0)
    for j in range(GROUP):
        passed |= uint64(coarse_distance(half, j, words) <= cut) << uint64(j)
    return passed


@kernel
def fine_pass(half: Array, other: Array, words: Array, seen_cut: Number, cut: Number) -> Number:
    """Which differ in at most `cut` of all bits, and in more than `seen_cut` coarse ones (the rest was seen)."""
    passed = uint64(0)
    for j in range(GROUP):
        coarse = coarse_distance(half, j, words)
        fine = coarse + popcount(other[0, j] ^ words[2]) + popcount(other[1, j] ^ words[3])
        passed |= uint64((fine <= cut) & (coarse > seen_cut)) << uint64(j)
    return passed


@kernel
def lowest(passed: Number) -> Number:
    """The number of the lowest one bit."""
    return np.int64(popcount((passed & (~passed + uint64(1))) - uint64(1)))


@kernel
def distance_at(half: Array, other: Array, column: Number, words: Array) -> Number:
    """Bits that differ in both halves."""
    fine = popcount(other[0, column] ^ words[2]) + popcount(other[1, column] ^ words[3])
    return coarse_distance(half, column, words) + fine


@kernel
def scan(sketches: Array, end: Number, words: Array, fine: Number, seen_cuts: Array, cuts: Array, found: Array,
         apart: Array, counts: Array) -> None:
    """The slots that pass for each query, in order, into `found` [B, room], and their distances into `apart`.

    Each group is loaded once and compared with all queries. What has no room is left out.
    """
    room = found.shape[1]
    for start in range(0, end, GROUP):
        half, other = sketches[0, start // GROUP], sketches[1, start // GROUP]
        for b in range(words.shape[0]):
            if fine:
                passed = fine_pass(half, other, words[b], seen_cuts[b], cuts[b])
            else:
                passed = coarse_pass(half, words[b], cuts[b])
            while passed:
                column = lowest(passed)
                if counts[b] < room and start + column < end:
                    found[b, counts[b]] = start + column
                    apart[b, counts[b]] = coarse_distance(half, column, words[b])
                    counts[b] += 1
                passed &= passed - uint64(1)
    for b in range(words.shape[0]):
        add_fine(sketches, words[b], found[b, :counts[b]], apart[b, :counts[b]])


@kernel
def add_fine(sketches: Array, words: Array, found: Array, apart: Array) -> None:
    """Add the fine half to the distances `apart` of the slots `found`, asking for the sketches ahead."""
    fine = sketches[1]
    fine_at = fine.ctypes.data
    for i in range(len(found)):
        if i + 2 * AHEAD < len(found):
            coming = np.int64(found[i + 2 * AHEAD])
            at = fine_at + ((coming // GROUP) * 2 * GROUP + coming % GROUP) * 8
            prefetch(np.uintp(at))
            prefetch(np.uintp(at + GROUP * 8))
        group, column = found[i] // GROUP, found[i] % GROUP
        apart[i] += popcount(fine[group, 0, column] ^ words[2]) + popcount(fine[group, 1, column] ^ words[3])


# --- How far to look --------------------------------------------------------------------------------------------


@kernel
def reach(cosine: Number, bits: Number, sigmas: Number) -> Number:
    """The Hamming distance that a key of this cosine keeps within, but for `sigmas` standard deviations of luck.

    Each bit differs with probability p = arccos(cosine) / pi.
    """
    p = np.arccos(min(1.0, max(-1.0, cosine))) / np.pi
    return np.int64(np.ceil(bits * p + sigmas * np.sqrt(bits * p * (1 - p))))


@kernel
def usual_cut(sketches: Array, end: Number, step: Number, words: Array, deviations: Number) -> Number:
    """The coarse distance `deviations` standard deviations below the mean, both of every `step`-th group."""
    total, squares, seen = uint64(0), uint64(0), 0
    for start in range(0, end, GROUP * step):
        half = sketches[0, start // GROUP]
        for j in range(GROUP):
            distance = coarse_distance(half, j, words)
            total += distance
            squares += distance * distance
        seen += GROUP
    return cut_below(total, squares, seen, deviations)


@kernel
def cut_below(total: Number, squares: Number, seen: Number, deviations: Number) -> Number:
    """`deviations` standard deviations below the mean of `seen` distances, given their sum and that of squares."""
    mean = total / max(seen, 1)
    spread = np.sqrt(max(0.0, squares / max(seen, 1) - mean * mean))
    return np.uint64(max(0.0, mean - deviations * spread))


@kernel
def tally_distances(sketches: Array, end: Number, step: Number, words: Array, tally: Array) -> Number:
    """How many slots lie at each distance over all bits, in every `step`-th group. Returns how many were counted."""
    tally[:] = 0
    seen = 0
    for start in range(0, end, GROUP * step):
        half, other = sketches[0, start // GROUP], sketches[1, start // GROUP]
        for j in range(min(GROUP, end - start)):
            tally[distance_at(half, other, j, words)] += 1
            seen += 1
    return seen


@kernel
def second_cut(tally: Array, seen: Number, end: Number, worst: Number, budget: Number, ample: Number,
               sigmas: Number) -> Number:
    """How far a second look goes over all bits: as far as the k-th best cosine `worst` asks.

    But where that would take more than `budget` of the `end` slots, and they are no more than what lies there by
    chance (a normal tail), or more than the share `ample` of all, only to the distance that holds `budget` slots.
    """
    cut = reach(worst, 64 * WORDS, sigmas)
    within, total, squares = 0, 0.0, 0.0
    for distance in range(len(tally)):
        within += tally[distance] if distance <= cut else 0
        total += tally[distance] * distance
        squares += tally[distance] * distance * distance
    if within * end <= budget * seen:
        return cut
    mean = total / seen
    spread = np.sqrt(max(1.0, squares / seen - mean * mean))
    by_chance = 0.5 * math.erfc((mean - cut - 0.5) / spread / np.sqrt(2.0)) * seen
    if CROWD * by_chance < within <= ample * seen:
        return cut
    within = 0
    for distance in range(cut + 1):
        within += tally[distance]
        if within * end >= budget * seen:
            return distance
    return cut


# --- Comparing keys ---------------------------------------------------------------------------------------------


@kernel
def compare(query: Array, keys: Array, filled: Array, found: Array, apart: Array, sigmas: Number, cosines: Array,
            slots: Array, size: Number) -> Number:
    """Offer the filled ones of `found` with their cosines to the top k. Returns its new size.

    The nearest sketch first, and no further than a better key than the k-th best would reach.
    """
    k = slots.shape[0]
    position = np.zeros(64 * WORDS + 2, np.int64)  # a sort by counting
    for distance in apart:
        position[distance + 1] += 1
    for distance in range(64 * WORDS + 1):
        position[distance + 1] += position[distance]
    order = np.empty(len(found), np.int64)
    for i in range(len(found)):
        order[position[apart[i]]] = i
        position[apart[i]] += 1

    # The first ones fill the top k at once.
    keys_at, row_bytes = keys.ctypes.data, keys.shape[1] * keys.itemsize
    at_once = min(2 * k, len(order)) if size == 0 and k > 1 else 0
    some_cosines, some_slots = np.empty(at_once, cosines.dtype), np.empty(at_once, np.int64)
    taken = 0
    for n in range(at_once):
        if n + AHEAD < at_once:
            prefetch_row(keys_at + np.int64(found[order[n + AHEAD]]) * row_bytes, row_bytes)
        slot = found[order[n]]
        if filled[slot]:
            some_cosines[taken], some_slots[taken] = dot(query, keys[slot]), slot
            taken += 1
    if at_once:
        size = begin(cosines, slots, some_cosines, some_slots, taken)

    reached = np.int64(-1)  # a distance that the k-th best is known to ask for
    for n in range(at_once, len(order)):
        i = order[n]
        if size == k and apart[i] > reached:
            reached = reach(cosines[0], 64 * WORDS, sigmas)
            if apart[i] > reached:
                break
        if n + AHEAD < len(order):
            prefetch_row(keys_at + np.int64(found[order[n + AHEAD]]) * row_bytes, row_bytes)
        slot = found[i]
        if filled[slot]:
            cosine = dot(query, keys[slot])
            if size < k or cosine >= cosines[0]:
                size = offer(cosines, slots, size, cosine, slot)
    return size


@kernel
def compare_all(query: Array, keys: Array, filled: Array, end: Number, cosines: Array, slots: Array) -> Number:
    """The exact search, for a query that its sketch does not help."""
    size = 0
    for slot in range(end):
        if filled[slot]:
            size = offer(cosines, slots, size, dot(query, keys[slot]), slot)
    return size


@kernel
def move_row(rows: Array, start: Number, end: Number) -> None:
    """rows[end] = rows[start]; a loop compiles in a tenth of the time."""
    for j in range(rows.shape[1]):
        rows[end, j] = rows[start, j]


@kernel
def search(queries: Array, keys: Array, filled: Array, sketches: Array, hyperplanes: Array, end: Number,
           written: Number, deviations: Number, budget: Number, ample: Number, sigmas: Number, sample: Number,
           found: Array, apart: Array, slots: Array, cosines: Array) -> None:
    """The k nearest of each query, into `slots` and `cosines` [B, k]. `sketch.py` says what is done and why."""
    batch, k = slots.shape
    values, words = np.empty(64 * WORDS, keys.dtype), np.empty((batch, WORDS), np.uint64)
    coarse_cuts, fine_cuts = np.empty(batch, np.uint64), np.empty(batch, np.uint64)
    counts, sizes, unsure = np.zeros(batch, np.int64), np.zeros(batch, np.int64), np.empty(batch, np.int64)
    tally = np.empty(64 * WORDS + 1, np.int64)
    step = max(1, end // sample)

    for b in range(batch):
        project(hyperplanes, queries[b], values)
        signs(values, words[b])
        coarse_cuts[b] = usual_cut(sketches, end, step, words[b], deviations)
    scan(sketches, end, words, False, coarse_cuts, coarse_cuts, found, apart, counts)

    # Is everything inside that could be among the k nearest? Else how far must a second look go?
    asked = 0
    for b in range(batch):
        sizes[b] = compare(queries[b], keys, filled, found[b, :counts[b]], apart[b, :counts[b]], sigmas, cosines[b],
                           slots[b], 0)
        worst = cosines[b, 0] if sizes[b] == k else -1.0
        if counts[b] == found.shape[1] or np.uint64(reach(worst, 128, sigmas)) <= coarse_cuts[b]:
            continue
        seen = tally_distances(sketches, end, step, words[b], tally)
        fine_cuts[asked] = second_cut(tally, seen, end, worst, budget, ample, sigmas)
        unsure[asked], coarse_cuts[asked] = b, coarse_cuts[b]
        move_row(words, b, asked)
        asked += 1

    if asked:
        again = np.zeros(asked, np.int64)
        scan(sketches, end, words[:asked], True, coarse_cuts, fine_cuts, found, apart, again)
        for i in range(asked):
            b = unsure[i]
            sizes[b] = compare(queries[b], keys, filled, found[i, :again[i]], apart[i, :again[i]], sigmas,
                               cosines[b], slots[b], sizes[b])
            counts[b] = again[i]

    for b in range(batch):
        if counts[b] == found.shape[1] or sizes[b] < min(k, written):  # too many look near, or too few were found
            sizes[b] = compare_all(queries[b], keys, filled, end, cosines[b], slots[b])
        finish(cosines[b], slots[b], sizes[b])
