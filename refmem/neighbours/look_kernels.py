"""Looks at coarse codes, and how far they go: the passes that `sketch` and `buckets` share."""

import math
from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.codes_kernels import GROUP, MOST, Reading
from refmem.neighbours.llvm_kernels import Number, kernel, lowest, prefetch
from refmem.neighbours.lookup_kernels import ABREAST, score_group

CROWD = 4.0
"""How many times more slots than by chance make a cluster."""


class Measure(NamedTuple):
    """What is known of scores (`codes.py`), and how sure an answer must be."""

    rotation: Array  # [coordinates and some rows of zeros, d]
    small: Number  # weights of the fine and the coarse score in a guess
    more: Number
    coarse: Array  # [3] mean, own, aside of the coarse score
    guess: Array  # [3] and of the guess
    sigmas: Number  # by how many standard deviations a key may be less lucky than usual


class Finds(NamedTuple):
    """What a look of a batch of B queries found."""

    slots: Array  # [B, room] int32
    marks: Array  # [B, room] int16, the coarse score, later the rank of the guess
    counts: Array  # [B]


class Desk(NamedTuple):
    """Where a batch of B queries is worked on. Row B is nobody's: it fills up a tile."""

    reading: Reading
    finds: Finds
    cuts: Array  # [B + 1] int8, the coarse scores that a look must reach
    seen_cuts: Array  # [B + 1] int16, and those that the look before it reached
    scores: Array  # [strip, B + 1, 64] int8, of a strip of groups
    passed: Array  # [strip, B + 1] uint64, the bits of those that reach the cut
    sizes: Array  # [B] neighbours found so far
    crowded: Array  # [B] bool, whether there was no room for what a look found
    who: Array  # [B, and more to a multiple of 4] uint64, the queries that look


class Sample(NamedTuple):
    """Some slots, from which the usual scores are taken."""

    codes: Array  # [., bytes, 64] uint8, groups of coarse codes
    groups: Array  # [n] which of them
    slots: Array  # [n, 64] whose they are, -1 for nobody's


# Kernels take the arrays out of a desk before they loop: doing so counts references, and that costs.


@kernel
def in_fours(who: Array, asked: Number, nobody: Number) -> Number:
    """Fill up `who` behind the first `asked` to a multiple of 4. Returns how many there are."""
    while asked % ABREAST:
        who[asked] = nobody
        asked += 1
    return asked


@kernel
def scan(codes: Array, fine: Array, end: Number, filled: Array, desk: Desk, asked: Number) -> None:
    """Find, for the first `asked` queries of `who`, the filled slots below `end` that reach the cut and are not seen.

    A strip of groups is scored for all queries before anybody looks at the scores: it stays in the fastest cache.
    What has no room is left out. The fine code of what was found is asked for at once.
    """
    tables, cuts, seen_cuts, scores, passed = desk.reading.coarse, desk.cuts, desk.seen_cuts, desk.scores, desk.passed
    slots, marks, counts, who = desk.finds.slots, desk.finds.marks, desk.finds.counts, desk.who
    groups, strip, nobody, room = -(-end // GROUP), len(passed), len(counts), slots.shape[1]
    fine_at, fine_bytes = fine.ctypes.data, fine.shape[1]
    counts[:] = 0
    for start in range(0, groups, strip):
        width = min(strip, groups - start)
        for at in range(width):
            for i in range(0, asked, ABREAST):
                score_group(codes, start + at, tables, who[i], who[i + 1], who[i + 2], who[i + 3], cuts, scores,
                            passed, at)
        for i in range(asked):
            b = who[i]
            if b == nobody:
                break
            for at in range(width):
                word = passed[at, b]
                while word:
                    column = lowest(word)
                    word &= word - np.uint64(1)
                    slot, score, count = GROUP * (start + at) + column, scores[at, b, column], counts[b]
                    if count < room and slot < end and score < seen_cuts[b] and filled[slot]:
                        slots[b, count], marks[b, count] = slot, score
                        counts[b] = count + 1
                        prefetch(np.uintp(fine_at + slot * fine_bytes))


# --- How far ----------------------------------------------------------------------------------------------------


@kernel
def least(cosine: Number, spread: Array, sigmas: Number, noise: Number) -> Number:
    """The score that a key of this cosine has at least, but for `sigmas` standard deviations of luck."""
    c = min(1.0, max(-1.0, cosine))
    return c * spread[0] - sigmas * math.sqrt(c * c * spread[1] + (1 - c * c) * spread[2] + noise)


@kernel
def cut_for(cosine: Number, measure: Measure, reading: Reading, b: Number) -> Number:
    """`least` of the coarse score, in units of the query's, whose rounding is a noise of its own."""
    unit = reading.units[b]
    noise = reading.coarse.shape[1] * unit * unit / 12
    return max(-MOST - 1, np.int64(math.floor(least(cosine, measure.coarse, measure.sigmas, noise) / unit)))


@kernel
def set_first_cuts(sample: Sample, filled: Array, deviations: Number, desk: Desk) -> None:
    """All queries look; the cut is `deviations` standard deviations above the mean, both of the sample's scores."""
    tables, cuts, scores, passed, who = desk.reading.coarse, desk.cuts, desk.scores, desk.passed, desk.who
    codes, groups, slots, batch = sample.codes, sample.groups, sample.slots, len(desk.sizes)
    in_fours(who, batch, batch)
    for b in range(batch):
        who[b] = b
    cuts[:] = MOST
    desk.seen_cuts[:] = MOST + 1  # nothing is
    total, squares = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
    counted, seen = np.empty(GROUP, np.int32), 0
    for n in range(len(groups)):
        for i in range(0, len(who), ABREAST):
            score_group(codes, groups[n], tables, who[i], who[i + 1], who[i + 2], who[i + 3], cuts, scores, passed, 0)
        for j in range(GROUP):
            counted[j] = slots[n, j] >= 0 and filled[slots[n, j]]
            seen += counted[j]
        for b in range(batch):
            some, some_squares = np.int32(0), np.int32(0)
            for j in range(GROUP):
                score = np.int32(scores[0, b, j]) * counted[j]
                some += score
                some_squares += score * score
            total[b] += some
            squares[b] += some_squares
    for b in range(batch):
        mean = total[b] / max(seen, 1)
        spread = math.sqrt(max(0.0, squares[b] / max(seen, 1) - mean * mean))
        cuts[b] = -MOST - 1 if seen == 0 else min(MOST, math.floor(mean + deviations * spread))


@kernel
def set_second_cuts(sample: Sample, filled: Array, written: Number, budget: Number, ample: Number, desk: Desk,
                    wanted: Array, asked: Number) -> None:
    """For the first `asked` queries of `who`, cut at what is wanted, or where `second_cut` draws the line."""
    tables, cuts, scores, passed, who = desk.reading.coarse, desk.cuts, desk.scores, desk.passed, desk.who
    codes, groups, slots, nobody = sample.codes, sample.groups, sample.slots, len(desk.sizes)
    counts = np.zeros((nobody + 1, 2 * MOST + 2), np.int64)  # how many of the sample have each score
    for n in range(len(groups)):
        for i in range(0, asked, ABREAST):
            score_group(codes, groups[n], tables, who[i], who[i + 1], who[i + 2], who[i + 3], cuts, scores, passed, 0)
        for j in range(GROUP):
            if slots[n, j] >= 0 and filled[slots[n, j]]:
                for i in range(asked):
                    counts[who[i], np.int64(scores[0, who[i], j]) + MOST + 1] += 1
    for b in who[:asked]:
        if b != nobody:
            desk.seen_cuts[b] = cuts[b]
            cuts[b] = second_cut(counts[b], written, wanted[b], budget, ample)


@kernel
def second_cut(counts: Array, written: Number, wanted: Number, budget: Number, ample: Number) -> Number:
    """How far a second look goes: as far as the k-th best cosine asks, which is `wanted`.

    But where that would take more than `budget` of the `written` slots, and they are no more than what lies there by
    chance (a normal tail), or more than the share `ample` of all, only to the score that `budget` slots reach.
    """
    seen, within, total, squares = 0, 0, 0.0, 0.0
    for place in range(len(counts)):
        score = place - MOST - 1
        seen += counts[place]
        within += counts[place] if score >= wanted else 0
        total += counts[place] * score
        squares += counts[place] * score * score
    if within * written <= budget * seen:
        return wanted
    mean = total / seen
    spread = math.sqrt(max(1.0, squares / seen - mean * mean))
    by_chance = 0.5 * math.erfc((wanted - 0.5 - mean) / spread / math.sqrt(2.0)) * seen
    if CROWD * by_chance < within <= ample * seen:
        return wanted
    within = 0
    for score in range(MOST, wanted, -1):
        within += counts[score + MOST + 1]
        if within * written >= budget * seen:
            return score
    return wanted
