"""The compiled passes of `buckets`: which bucket, the pages of a bucket, and the search through some of them.

A bucket is a chain of pages of 64 slots with their sketches. Only the first page of a chain may be partly filled: an
entry is added there, and a removed entry is replaced by the last one there. So a bucket holds exactly what belongs to
it, whatever was written before, and adding and removing cost the same however full it is.
"""

from typing import NamedTuple

import numpy as np
from numba import uint64

from refmem.arrays import Array
from refmem.neighbours.sketch_kernels import (
    AHEAD,
    GROUP,
    WORDS,
    coarse_distance,
    coarse_pass,
    compare,
    compare_all,
    cut_below,
    distance_at,
    fine_pass,
    lowest,
    move_row,
    project,
    put_sketch,
    reach,
    second_cut,
    signs,
)
from refmem.neighbours.top_kernels import Number, finish, kernel, prefetch_row

NONE = -1


class Tables(NamedTuple):
    """Who stands where."""

    first: Array  # [buckets] int32, the first page of each bucket
    following: Array  # [pages] int32, the page behind each: of its bucket, or of the free ones
    free: Array  # [1] int32, the first free page
    owner: Array  # [pages] int32, the bucket of each page in use
    sizes: Array  # [pages] int32, entries in each
    slots: Array  # [pages, 64] int32
    sketches: Array  # [2, pages, 2, 64] uint64
    places: Array  # [m] int32, page * 64 + column of each slot; NONE for one that is in no bucket


# --- Which bucket -----------------------------------------------------------------------------------------------


@kernel
def corner(values: Array) -> Number:
    """The nearest of the 2 h corners +-e_j of the cross-polytope: 2 j, or 2 j + 1 on the negative side."""
    best = 0
    for j in range(1, values.shape[0]):
        if abs(values[j]) > abs(values[best]):
            best = j
    return 2 * best + (1 if values[best] < 0 else 0)


@kernel
def bucket_of(values: Array, h: Number) -> Number:
    """The corners of two cross-polytopes, over the first h and the next h coordinates."""
    return 2 * h * corner(values[:h]) + corner(values[h:2 * h])


# --- Adding and removing ----------------------------------------------------------------------------------------


@kernel
def add(tables: Tables, slot: Number, bucket: Number, words: Array) -> None:
    """Put `slot` into the first page of `bucket`, or into a new one before it."""
    page = tables.first[bucket]
    if page == NONE or tables.sizes[page] == GROUP:
        taken = tables.free[0]
        tables.free[0] = tables.following[taken]
        tables.following[taken] = page
        tables.first[bucket], tables.owner[taken], tables.sizes[taken] = taken, bucket, 0
        page = taken
    column = tables.sizes[page]
    tables.sizes[page] += 1
    tables.slots[page, column] = slot
    tables.places[slot] = page * GROUP + column
    put_sketch(words, page, column, tables.sketches)


@kernel
def remove(tables: Tables, slot: Number) -> None:
    """Take `slot` out of its bucket; the last entry of the first page moves to its place."""
    page, column = tables.places[slot] // GROUP, tables.places[slot] % GROUP
    bucket = tables.owner[page]
    head = tables.first[bucket]
    last = tables.sizes[head] - 1
    moved = tables.slots[head, last]
    tables.slots[page, column] = moved
    for w in range(WORDS):
        tables.sketches[w // 2, page, w % 2, column] = tables.sketches[w // 2, head, w % 2, last]
    tables.places[moved] = page * GROUP + column
    tables.places[slot] = NONE
    tables.sizes[head] = last
    if last == 0:
        tables.first[bucket] = tables.following[head]
        tables.following[head] = tables.free[0]
        tables.free[0] = head


@kernel
def place_slots(tables: Tables, hyperplanes: Array, h: Number, keys: Array, slots: Array) -> None:
    """Bring `slots` to where their keys belong."""
    values, words = np.empty(hyperplanes.shape[0], keys.dtype), np.empty(WORDS, np.uint64)
    for slot in slots:
        project(hyperplanes, keys[slot], values)
        signs(values, words)
        if tables.places[slot] != NONE:
            remove(tables, slot)
        add(tables, slot, bucket_of(values, h), words)


# --- Searching --------------------------------------------------------------------------------------------------


@kernel
def corner_scores(values: Array, scores: Array) -> None:
    """How far the query points to each corner: values[j] for 2 j, -values[j] for 2 j + 1."""
    for j in range(values.shape[0]):
        scores[2 * j], scores[2 * j + 1] = values[j], -values[j]


@kernel
def probe_score(one: Array, other: Array, probes: Number) -> Number:
    """The score one[i] + other[j] of the `probes`-th best of all pairs of corners, or one a little lower."""
    ones, others = np.sort(one), np.sort(other)
    low, high = ones[0] + others[0], ones[-1] + others[-1]
    for _ in range(20):
        middle = (low + high) / 2
        pairs, j = 0, len(others)
        for score in ones:
            while j > 0 and score + others[j - 1] >= middle:
                j -= 1
            pairs += len(others) - j
        if pairs >= probes:
            low = middle
        else:
            high = middle
    return low


@kernel
def list_pages(tables: Tables, ones: Array, others: Array, scores: Array, pages: Array, visitors: Array) -> Number:
    """All pages of buckets (i, j) with ones[b, i] + others[b, j] >= scores[b] for some query b, and the b as bits."""
    batch, corners = ones.shape
    who = np.empty(corners, np.uint64)
    listed = 0
    for i in range(corners):
        who[:] = 0
        for b in range(batch):
            for j in range(corners):
                who[j] |= uint64(ones[b, i] + others[b, j] >= scores[b]) << uint64(b)
        for j in range(corners):
            if who[j]:
                page = tables.first[corners * i + j]
                while page != NONE:
                    pages[listed], visitors[listed] = page, who[j]
                    listed += 1
                    page = tables.following[page]
    return listed


@kernel
def visit(tables: Tables, pages: Array, visitors: Array, words: Array, fine: Number, seen_cuts: Array, cuts: Array,
          found: Array, apart: Array, counts: Array) -> None:
    """The slots on `pages` that pass for the queries that visit them, into `found` [B, room], distances into `apart`.

    Each page is loaded once and compared with all its visitors.
    """
    room = found.shape[1]
    page_bytes = 2 * GROUP * 8
    coarse_at, fine_at = tables.sketches[0].ctypes.data, tables.sketches[1].ctypes.data
    for n in range(len(pages)):
        if n + AHEAD < len(pages):
            prefetch_row(coarse_at + np.int64(pages[n + AHEAD]) * page_bytes, page_bytes)
            if fine:
                prefetch_row(fine_at + np.int64(pages[n + AHEAD]) * page_bytes, page_bytes)
        page, guests = pages[n], visitors[n]
        half, other = tables.sketches[0, page], tables.sketches[1, page]
        filled = ~uint64(0) >> uint64(GROUP - tables.sizes[page])
        while guests:
            b = lowest(guests)
            guests &= guests - uint64(1)
            if fine:
                passed = filled & fine_pass(half, other, words[b], seen_cuts[b], cuts[b])
            else:
                passed = filled & coarse_pass(half, words[b], cuts[b])
            while passed:
                column = lowest(passed)
                if counts[b] < room:
                    found[b, counts[b]] = tables.slots[page, column]
                    apart[b, counts[b]] = distance_at(half, other, column, words[b])
                    counts[b] += 1
                passed &= passed - uint64(1)


@kernel
def usual_cut(tables: Tables, end: Number, step: Number, words: Array, deviations: Number) -> Number:
    """The coarse distance `deviations` standard deviations below the mean, both of every `step`-th slot."""
    total, squares, seen = uint64(0), uint64(0), 0
    for slot in range(0, end, step):
        place = tables.places[slot]
        if place != NONE:
            distance = coarse_distance(tables.sketches[0, place // GROUP], place % GROUP, words)
            total += distance
            squares += distance * distance
            seen += 1
    return cut_below(total, squares, seen, deviations)


@kernel
def tally_distances(tables: Tables, end: Number, step: Number, words: Array, tally: Array) -> Number:
    """How many slots lie at each distance over all bits, of every `step`-th slot. Returns how many were counted."""
    tally[:] = 0
    seen = 0
    for slot in range(0, end, step):
        place = tables.places[slot]
        if place != NONE:
            page, column = place // GROUP, place % GROUP
            tally[distance_at(tables.sketches[0, page], tables.sketches[1, page], column, words)] += 1
            seen += 1
    return seen


@kernel
def search(queries: Array, keys: Array, filled: Array, tables: Tables, hyperplanes: Array, h: Number, end: Number,
           written: Number, probes: Number, deviations: Number, budget: Number, ample: Number, sigmas: Number,
           sample: Number, pages: Array, visitors: Array, found: Array, apart: Array, slots: Array,
           cosines: Array) -> None:
    """The k nearest of each query, into `slots` and `cosines` [B, k]: the looks of `sketch` into `probes` buckets."""
    batch, k = slots.shape
    values, words = np.empty(64 * WORDS, keys.dtype), np.empty((batch, WORDS), np.uint64)
    ones, others = np.empty((batch, 2 * h), keys.dtype), np.empty((batch, 2 * h), keys.dtype)
    scores = np.empty(batch, keys.dtype)
    coarse_cuts, fine_cuts = np.empty(batch, np.uint64), np.empty(batch, np.uint64)
    counts, sizes, unsure = np.zeros(batch, np.int64), np.zeros(batch, np.int64), np.empty(batch, np.int64)
    tally = np.empty(64 * WORDS + 1, np.int64)
    step = max(1, end // sample)

    for b in range(batch):
        project(hyperplanes, queries[b], values)
        signs(values, words[b])
        corner_scores(values[:h], ones[b])
        corner_scores(values[h:2 * h], others[b])
        scores[b] = probe_score(ones[b], others[b], probes)
        coarse_cuts[b] = usual_cut(tables, end, step, words[b], deviations)
    listed = list_pages(tables, ones, others, scores, pages, visitors)
    visit(tables, pages[:listed], visitors, words, False, coarse_cuts, coarse_cuts, found, apart, counts)

    asked = 0
    for b in range(batch):
        sizes[b] = compare(queries[b], keys, filled, found[b, :counts[b]], apart[b, :counts[b]], sigmas, cosines[b],
                           slots[b], 0)
        worst = cosines[b, 0] if sizes[b] == k else -1.0
        if counts[b] == found.shape[1] or np.uint64(reach(worst, 128, sigmas)) <= coarse_cuts[b]:
            continue
        seen = tally_distances(tables, end, step, words[b], tally)
        fine_cuts[asked] = second_cut(tally, seen, end, worst, budget, ample, sigmas)
        unsure[asked], coarse_cuts[asked], scores[asked] = b, coarse_cuts[b], scores[b]
        move_row(words, b, asked)
        move_row(ones, b, asked)
        move_row(others, b, asked)
        asked += 1

    if asked:
        again = np.zeros(asked, np.int64)
        listed = list_pages(tables, ones[:asked], others, scores, pages, visitors)
        visit(tables, pages[:listed], visitors, words, True, coarse_cuts, fine_cuts, found, apart, again)
        for i in range(asked):
            b = unsure[i]
            sizes[b] = compare(queries[b], keys, filled, found[i, :again[i]], apart[i, :again[i]], sigmas,
                               cosines[b], slots[b], sizes[b])
            counts[b] = again[i]

    for b in range(batch):
        if counts[b] == found.shape[1] or sizes[b] < min(k, written):  # too many look near, or too few were found
            sizes[b] = compare_all(queries[b], keys, filled, end, cosines[b], slots[b])
        finish(cosines[b], slots[b], sizes[b])
