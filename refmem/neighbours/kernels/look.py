"""Looks at coarse codes, and how far they go: what `sketch` and `buckets` share."""

import math
from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.codes import BLOCK, GROUP, MOST, Reading
from refmem.neighbours.kernels.llvm import Number, kernel, step
from refmem.neighbours.kernels.lookup import ABREAST, score_group

LOWEST = -MOST - 1
"""A cut that everybody reaches."""

CROWD = 4.0
"""How many times more slots than by chance make a cluster."""

AMPLE = 1 / 16
"""A cluster that holds more than this share of the memory is not searched whole."""


class Measure(NamedTuple):
    """What is known of scores (`codes.py`)."""

    rotation: Array  # [coordinates and some rows of zeros, d]
    weights: Array  # [2] of the fine and the coarse score in a guess
    coarse: Array  # [3] mean, own, aside of the coarse score
    guess: Array  # [3] and of the guess
    sigmas: Number  # by so many standard deviations a key may be less lucky than usual, and is still found


class Held(NamedTuple):
    """What is looked into."""

    keys: Array  # [m, d]
    fine: Array  # [m, bytes] uint8, the fine codes
    filled: Array  # [m] bool
    end: Number  # one more than the last written slot
    written: Number  # how many slots are


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
    sizes: Array  # [B] neighbours found so far
    crowded: Array  # [B] bool, whether there was no room for what a look found
    who: Array  # [B, and more to a multiple of 4] uint64, the queries that look


class Sample(NamedTuple):
    """Some slots, from which the usual scores are taken."""

    codes: Array  # [., bytes, 64] uint8, groups of coarse codes
    groups: Array  # [n] which of them
    slots: Array  # [n, 64] whose they are, -1 for nobody's


# Kernels take the arrays out of a desk before they loop: doing so counts references, and that costs.


@step
def desk_for(queries: Array, coordinates: Number, slots: Array, marks: Array) -> Desk:
    """A desk for queries [B, d], with `slots` and `marks` [at least B, room] as the room for what they find."""
    batch = len(queries)
    reading = Reading(np.empty((batch, coordinates), queries.dtype), np.empty(batch),
                      np.empty((batch + 1, coordinates // BLOCK, 2 * BLOCK), np.int8))
    finds = Finds(slots[:batch], marks[:batch], np.zeros(batch, np.int64))
    return Desk(reading, finds, np.full(batch + 1, MOST, np.int8), np.full(batch + 1, MOST + 1, np.int16),
                np.zeros(batch, np.int64), np.zeros(batch, np.bool_),
                np.arange(-(-batch // ABREAST) * ABREAST).astype(np.uint64))


@kernel
def in_fours(who: Array, asked: Number, nobody: Number) -> Number:
    """Fill up `who` behind the first `asked` to a multiple of 4. Returns how many there are."""
    while asked % ABREAST:
        who[asked] = nobody
        asked += 1
    return asked


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
    return max(LOWEST, np.int64(math.floor(least(cosine, measure.coarse, measure.sigmas, noise) / unit)))


@step
def set_first_cuts(sample: Sample, filled: Array, deviations: Number, desk: Desk) -> None:
    """All queries look; the cut is `deviations` standard deviations above the mean, both of the sample's scores."""
    tables, cuts, who, batch = desk.reading.coarse, desk.cuts, desk.who, len(desk.sizes)
    codes, groups, slots = sample.codes, sample.groups, sample.slots
    in_fours(who, batch, batch)
    lowest_cuts, (scores, passed) = np.full(batch + 1, LOWEST, np.int8), room_for_scores()
    total, squares = np.zeros(batch + 1, np.int64), np.zeros(batch + 1, np.int64)
    counted, seen = np.empty(GROUP, np.int32), 0
    for n in range(len(groups)):
        for j in range(GROUP):
            counted[j] = slots[n, j] >= 0 and filled[slots[n, j]]
            seen += counted[j]
        for first in range(0, len(who), ABREAST):
            score_group(codes, groups[n], tables, who, first, lowest_cuts, scores, passed)
            for i in range(ABREAST):
                some, some_squares = np.int32(0), np.int32(0)
                for j in range(GROUP):
                    score = np.int32(scores[i, j]) * counted[j]
                    some += score
                    some_squares += score * score
                total[who[first + i]] += some
                squares[who[first + i]] += some_squares
    for b in range(batch):
        mean = total[b] / max(seen, 1)
        spread = math.sqrt(max(0.0, squares[b] / max(seen, 1) - mean * mean))
        cuts[b] = LOWEST if seen == 0 else min(MOST, math.floor(mean + deviations * spread))


@step
def set_second_cuts(sample: Sample, filled: Array, written: Number, budget: Number, desk: Desk, wanted: Array,
                    asked: Number) -> None:
    """For the first `asked` queries of `who`, cut at what is wanted, or where `second_cut` draws the line."""
    tables, cuts, who, nobody = desk.reading.coarse, desk.cuts, desk.who, len(desk.sizes)
    codes, groups, slots = sample.codes, sample.groups, sample.slots
    lowest_cuts, (scores, passed) = np.full(nobody + 1, LOWEST, np.int8), room_for_scores()
    counts = np.zeros((nobody + 1, MOST - LOWEST + 1), np.int64)  # how many of the sample have each score
    for n in range(len(groups)):
        for first in range(0, asked, ABREAST):
            score_group(codes, groups[n], tables, who, first, lowest_cuts, scores, passed)
            for j in range(GROUP):
                if slots[n, j] >= 0 and filled[slots[n, j]]:
                    for i in range(ABREAST):
                        counts[who[first + i], np.int64(scores[i, j]) - LOWEST] += 1
    for b in who[:asked]:
        if b != nobody:
            desk.seen_cuts[b] = cuts[b]
            cuts[b] = second_cut(counts[b], written, wanted[b], budget)


@kernel
def room_for_scores() -> tuple[Array, Array]:
    """What `score_group` writes: scores, and bits."""
    return np.empty((ABREAST, GROUP), np.int8), np.empty(ABREAST, np.uint64)


@step
def second_cut(counts: Array, written: Number, wanted: Number, budget: Number) -> Number:
    """How far a second look goes: as far as the k-th best cosine asks, which is `wanted`.

    But where that would take more than `budget` of the `written` slots, and they are no more than what lies there by
    chance (a normal tail), or more than the share `AMPLE` of all, only to the score that `budget` slots reach.
    """
    seen, within, total, squares = 0, 0, 0.0, 0.0
    for place in range(len(counts)):
        score = place + LOWEST
        seen += counts[place]
        within += counts[place] if score >= wanted else 0
        total += counts[place] * score
        squares += counts[place] * score * score
    if within * written <= budget * seen:
        return wanted
    mean = total / seen
    spread = math.sqrt(max(1.0, squares / seen - mean * mean))
    by_chance = 0.5 * math.erfc((wanted - 0.5 - mean) / spread / math.sqrt(2.0)) * seen
    if CROWD * by_chance < within <= AMPLE * seen:
        return wanted
    within = 0
    for score in range(MOST, wanted, -1):
        within += counts[score - LOWEST]
        if within * written >= budget * seen:
            return score
    return wanted
