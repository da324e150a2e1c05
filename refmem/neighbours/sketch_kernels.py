"""The compiled passes of `sketch`: signs into words, the scan, and the exact comparison of what it lets through."""

import numpy as np
from numba import uint64

from refmem.arrays import Array
from refmem.neighbours.top_kernels import Number, dot, finish, kernel, offer, popcount

GROUP = 64
"""Slots scanned at a time: their verdicts are the bits of one word."""

WORDS = 4
"""Words of a sketch."""


@kernel
def sketch_row(hyperplanes: Array, row: Array, words: Array) -> None:
    """Bit j of the sketch is 1 iff row . hyperplanes[j] > 0. `words` [bits / 64] uint64."""
    for w in range(words.shape[0]):
        word = uint64(0)
        for j in range(64):
            if dot(hyperplanes[64 * w + j], row) > 0:
                word |= uint64(1) << uint64(j)
        words[w] = word


@kernel
def sketch_slots(hyperplanes: Array, keys: Array, slots: Array, sketches: Array) -> None:
    """The sketches of keys[slots] into the columns `slots` of `sketches` [words, m]."""
    words = np.empty(sketches.shape[0], np.uint64)
    for slot in slots:
        sketch_row(hyperplanes, keys[slot], words)
        for w in range(words.shape[0]):
            sketches[w, slot] = words[w]


@kernel
def usual_distance(sketches: Array, end: Number, step: Number, sketch: Array) -> tuple[Number, Number]:
    """Mean and standard deviation of the distance from `sketch` over two words, in every `step`-th group."""
    total, squares, seen = uint64(0), uint64(0), 0
    for start in range(0, end, GROUP * step):
        first, second = sketches[0, start:start + GROUP], sketches[1, start:start + GROUP]
        for j in range(GROUP):
            distance = popcount(first[j] ^ sketch[0]) + popcount(second[j] ^ sketch[1])
            total += distance
            squares += distance * distance
        seen += GROUP
    mean = total / seen
    return mean, np.sqrt(max(0.0, squares / seen - mean * mean))


@kernel
def histogram(sketches: Array, end: Number, step: Number, sketch: Array, tally: Array) -> Number:
    """How many slots lie at each distance from `sketch` over all words, in every `step`-th group. Returns the total."""
    tally[:] = 0
    seen = 0
    for start in range(0, end, GROUP * step):
        for slot in range(start, min(start + GROUP, end)):
            distance = uint64(0)
            for w in range(WORDS):
                distance += popcount(sketches[w, slot] ^ sketch[w])
            tally[distance] += 1
            seen += 1
    return seen


@kernel
def scan_coarse(sketches: Array, end: Number, queries: Array, cuts: Array, found: Array, counts: Array) -> None:
    """Slots whose first two words differ from a query's in at most `cuts` [B] bits, in order, into `found` [B, room].

    Each group is loaded once and compared with all queries. The loop over a group has no branch: it becomes vector
    instructions, and the slots that pass become the bits of `passed`.
    """
    for start in range(0, end, GROUP):
        first, second = sketches[0, start:start + GROUP], sketches[1, start:start + GROUP]
        for b in range(queries.shape[0]):
            q0, q1, cut = queries[b, 0], queries[b, 1], cuts[b]
            passed = uint64(0)
            for j in range(GROUP):
                distance = popcount(first[j] ^ q0) + popcount(second[j] ^ q1)
                passed |= uint64(distance <= cut) << uint64(j)
            if passed:
                counts[b] = append(passed, start, end, found[b], counts[b])


@kernel
def scan_fine(sketches: Array, end: Number, queries: Array, seen_cuts: Array, cuts: Array, found: Array,
              counts: Array) -> None:
    """As `scan_coarse` with all four words and `cuts`, without the slots that `scan_coarse` with `seen_cuts` found."""
    for start in range(0, end, GROUP):
        first, second = sketches[0, start:start + GROUP], sketches[1, start:start + GROUP]
        third, fourth = sketches[2, start:start + GROUP], sketches[3, start:start + GROUP]
        for b in range(queries.shape[0]):
            q0, q1, q2, q3 = queries[b, 0], queries[b, 1], queries[b, 2], queries[b, 3]
            seen_cut, cut = seen_cuts[b], cuts[b]
            passed = uint64(0)
            for j in range(GROUP):
                coarse = popcount(first[j] ^ q0) + popcount(second[j] ^ q1)
                fine = coarse + popcount(third[j] ^ q2) + popcount(fourth[j] ^ q3)
                passed |= uint64((fine <= cut) & (coarse > seen_cut)) << uint64(j)
            if passed:
                counts[b] = append(passed, start, end, found[b], counts[b])


@kernel
def append(passed: Number, start: Number, end: Number, found: Array, count: Number) -> Number:
    """Append start + j for each one bit j of `passed`. Returns the new count; what has no room is left out."""
    while passed:
        lowest = passed & (~passed + uint64(1))
        slot = start + np.int64(popcount(lowest - uint64(1)))
        if count < found.shape[0] and slot < end:
            found[count] = slot
            count += 1
        passed ^= lowest
    return count


@kernel
def compare(query: Array, keys: Array, filled: Array, found: Array, cosines: Array, slots: Array,
            size: Number) -> Number:
    """Offer the filled ones of `found` with their cosines to the top k. Returns its new size."""
    k = slots.shape[0]
    for i in range(found.shape[0]):
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
def cut_at(counts: Array, seen: Number, end: Number, wanted: Number) -> Number:
    """The smallest distance within which the histogram of a sample expects at least `wanted` of `end` slots."""
    total = 0
    for distance in range(counts.shape[0]):
        total += counts[distance]
        if total * end >= wanted * seen:
            return distance
    return counts.shape[0] - 1


@kernel
def share_within(counts: Array, seen: Number, distance: Number) -> Number:
    """The share of the sample within `distance`."""
    total = 0
    for i in range(distance + 1):
        total += counts[i]
    return total / max(seen, 1)


@kernel
def reach(cosine: Number, bits: Number, sigmas: Number) -> Number:
    """The Hamming distance that a key of this cosine keeps within, but for `sigmas` standard deviations of luck.

    Each bit differs with probability p = arccos(cosine) / pi.
    """
    p = np.arccos(min(1.0, max(-1.0, cosine))) / np.pi
    return np.int64(np.ceil(bits * p + sigmas * np.sqrt(bits * p * (1 - p))))


@kernel
def search(queries: Array, keys: Array, filled: Array, sketches: Array, hyperplanes: Array, end: Number,
           written: Number, first_look: Number, budget: Number, ample: Number, sigmas: Number, sample: Number,
           found: Array, slots: Array, cosines: Array) -> None:
    """The k nearest of each query, into `slots` and `cosines` [B, k]. `sketch.py` says what is done and why."""
    batch, k = slots.shape
    words = np.empty((batch, WORDS), np.uint64)
    coarse_cuts, fine_cuts = np.empty(batch, np.uint64), np.empty(batch, np.uint64)
    counts, sizes, unsure = np.zeros(batch, np.int64), np.zeros(batch, np.int64), np.empty(batch, np.int64)
    tally = np.empty(64 * WORDS + 1, np.int64)
    step = max(1, end // sample)

    # The first look, by two words of the sketch: what lies `first_look` standard deviations nearer than usual.
    for b in range(batch):
        sketch_row(hyperplanes, queries[b], words[b])
        mean, deviation = usual_distance(sketches, end, step, words[b])
        coarse_cuts[b] = uint64(max(0.0, mean - first_look * deviation))
    scan_coarse(sketches, end, words, coarse_cuts, found, counts)

    # Is everything inside that could be among the k nearest? Else how far must a second look go?
    asked = 0
    for b in range(batch):
        sizes[b] = compare(queries[b], keys, filled, found[b, :counts[b]], cosines[b], slots[b], 0)
        worst = cosines[b, 0] if sizes[b] == k else -1.0
        if counts[b] == found.shape[1] or uint64(reach(worst, 128, sigmas)) <= coarse_cuts[b]:
            continue
        seen = histogram(sketches, end, step, words[b], tally)
        cut = reach(worst, 64 * WORDS, sigmas)
        if share_within(tally, seen, cut) > ample:
            cut = min(cut, cut_at(tally, seen, end, budget))
        unsure[asked], words[asked], coarse_cuts[asked], fine_cuts[asked] = b, words[b], coarse_cuts[b], cut
        asked += 1

    if asked:
        again = np.zeros(asked, np.int64)
        scan_fine(sketches, end, words[:asked], coarse_cuts, fine_cuts, found, again)
        for i in range(asked):
            b = unsure[i]
            sizes[b] = compare(queries[b], keys, filled, found[i, :again[i]], cosines[b], slots[b], sizes[b])
            counts[b] = again[i]

    for b in range(batch):
        if counts[b] == found.shape[1] or sizes[b] < min(k, written):  # too many look near, or too few were found
            sizes[b] = compare_all(queries[b], keys, filled, end, cosines[b], slots[b])
        finish(cosines[b], slots[b], sizes[b])
