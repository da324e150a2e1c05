"""The compiled passes of `buckets`: which bucket, the pages of a bucket, and the search through some of them.

A bucket is a chain of pages of 64 slots with their coarse codes. Only the first page of a chain may be partly filled:
an entry is added there, and a removed entry is replaced by the last one there. So a bucket holds exactly what belongs
to it, whatever was written before, and adding and removing cost the same however full it is.
"""

from typing import NamedTuple

import numpy as np
from numba import uint64

from refmem.arrays import Array
from refmem.neighbours.kernels.answer import answer, looking
from refmem.neighbours.kernels.codes import BYTE, GROUP, MANY, corner, put_code, turn_slots
from refmem.neighbours.kernels.llvm import Number, kernel, lowest, prefetch_row
from refmem.neighbours.kernels.look import Desk, Held, Measure, Sample, in_fours, room_for_scores
from refmem.neighbours.kernels.lookup import ABREAST, score_group

NONE = -1

AHEAD = 4
"""How many pages before its turn a page is asked for."""


class Tables(NamedTuple):
    """Who stands where."""

    first: Array  # [buckets] int32, the first page of each bucket
    following: Array  # [pages] int32, the page behind each: of its bucket, or of the free ones
    free: Array  # [1] int32, the first free page
    owner: Array  # [pages] int32, the bucket of each page in use
    sizes: Array  # [pages] int32, entries in each
    slots: Array  # [pages, 64] int32
    coarse: Array  # [pages, bytes, 64] uint8
    fine: Array  # [m, bytes] uint8
    places: Array  # [m] int32, page * 64 + column of each slot; NONE for one that is in no bucket


class Hall(NamedTuple):
    """The tables, and how they are visited."""

    tables: Tables
    h: Number
    probes: Number  # buckets that a query visits
    pages: Array  # [pages] int32, room for those that are visited
    visitors: Array  # [pages] uint64, and for who visits them


# numba unpacks a named tuple slowly, 2 us for each of its fields, but arrays at once: so they come one by one.


# --- Which bucket -----------------------------------------------------------------------------------------------


@kernel
def bucket_of(values: Array, h: Number) -> Number:
    """The corners of two cross-polytopes, over the first h and the next h coordinates."""
    return 2 * h * corner(values[:h]) + corner(values[h:2 * h])


# --- Adding and removing ----------------------------------------------------------------------------------------


@kernel
def add(tables: Tables, slot: Number, bucket: Number, values: Array) -> None:
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
    put_code(values, page, column, slot, tables.coarse, tables.fine)


@kernel
def remove(tables: Tables, slot: Number) -> None:
    """Take `slot` out of its bucket; the last entry of the first page moves to its place."""
    page, column = tables.places[slot] // GROUP, tables.places[slot] % GROUP
    bucket = tables.owner[page]
    head = tables.first[bucket]
    last = tables.sizes[head] - 1
    moved = tables.slots[head, last]
    tables.slots[page, column] = moved
    for t in range(tables.coarse.shape[1]):
        tables.coarse[page, t, column] = tables.coarse[head, t, last]
    tables.places[moved] = page * GROUP + column
    tables.places[slot] = NONE
    tables.sizes[head] = last
    if last == 0:
        tables.first[bucket] = tables.following[head]
        tables.following[head] = tables.free[0]
        tables.free[0] = head


@kernel
def place_slots(rotation: Array, keys: Array, slots: Array, h: Number, first_pages: Array, following: Array,
                free: Array, owner: Array, sizes: Array, page_slots: Array, coarse: Array, fine: Array,
                places: Array) -> None:
    """Bring `slots` to where their keys belong."""
    tables = Tables(first_pages, following, free, owner, sizes, page_slots, coarse, fine, places)
    many = min(MANY, len(slots))
    rows = np.empty((many, keys.shape[1]), keys.dtype)
    values = np.empty((many, BYTE * fine.shape[1]), keys.dtype)
    for first in range(0, len(slots), MANY):
        some = slots[first:first + MANY]
        turn_slots(rotation, keys, some, rows, values)
        for i in range(len(some)):
            if places[some[i]] != NONE:
                remove(tables, some[i])
            add(tables, some[i], bucket_of(values[i], h), values[i])


@kernel
def gather(tables: Tables, slots: Array, codes: Array) -> None:
    """The coarse codes of `slots` [groups, 64], -1 for nobody, in groups of their own."""
    for n in range(slots.shape[0]):
        for j in range(GROUP):
            place = tables.places[slots[n, j]] if slots[n, j] >= 0 else NONE
            for t in range(codes.shape[1]):
                codes[n, t, j] = tables.coarse[place // GROUP, t, place % GROUP] if place != NONE else 0


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
def list_pages(tables: Tables, turned: Array, who: Array, h: Number, probes: Number, pages: Array,
               visitors: Array) -> Number:
    """All pages of the `probes` buckets that each query of `who` points to most, and as bits which queries do."""
    nobody, corners, heads, following = len(turned), 2 * h, tables.first, tables.following
    ones, others = np.empty((nobody, corners), turned.dtype), np.empty((nobody, corners), turned.dtype)
    scores = np.empty(nobody, turned.dtype)
    for b in who:
        if b != nobody:
            corner_scores(turned[b, :h], ones[b])
            corner_scores(turned[b, h:2 * h], others[b])
            scores[b] = probe_score(ones[b], others[b], probes)
    guests = np.empty(corners, np.uint64)
    listed = 0
    for i in range(corners):
        guests[:] = 0
        for b in who:
            if b != nobody:
                needed = scores[b] - ones[b, i]
                for j in range(corners):
                    guests[j] |= uint64(others[b, j] >= needed) << uint64(b)
        for j in range(corners):
            if guests[j]:
                page = heads[corners * i + j]
                while page != NONE:
                    pages[listed], visitors[listed] = page, guests[j]
                    listed += 1
                    page = following[page]
    return listed


@kernel
def search(queries: Array, keys: Array, filled: Array, end: Number, written: Number, fine: Array, rotation: Array,
           weights: Array, coarse_spread: Array, guess_spread: Array, sigmas: Number, deviations: Number,
           budget: Number, found_slots: Array, found_marks: Array, cosines: Array, slots: Array, h: Number,
           probes: Number, pages: Array, visitors: Array, sample_slots: Array, first_pages: Array, following: Array,
           free: Array, owner: Array, sizes: Array, page_slots: Array, coarse: Array, fine_again: Array,
           places: Array) -> None:
    """`answer` from some of the buckets."""
    tables = Tables(first_pages, following, free, owner, sizes, page_slots, coarse, fine, places)
    sample_codes = np.empty((len(sample_slots), coarse.shape[1], GROUP), np.uint8)
    gather(tables, sample_slots, sample_codes)
    measure = Measure(rotation, weights, coarse_spread, guess_spread, sigmas)
    sample = Sample(sample_codes, np.arange(len(sample_slots)), sample_slots)
    answer(queries, Hall(tables, h, probes, pages, visitors), Held(keys, fine, filled, end, written), measure, sample,
           deviations, budget, found_slots, found_marks, cosines, slots)


@looking(Hall)
def visit(index: Hall, held: Held, desk: Desk, asked: Number) -> None:
    """`look` into the buckets to which the queries point. Each page is loaded once for all its visitors."""
    tables, pages, visitors = index.tables, index.pages, index.visitors
    codes, sizes, page_slots = tables.coarse, tables.sizes, tables.slots
    queries, cuts, seen_cuts = desk.reading.coarse, desk.cuts, desk.seen_cuts
    slots, marks, counts = desk.finds.slots, desk.finds.marks, desk.finds.counts
    nobody, room, codes_at, page_bytes = len(counts), slots.shape[1], codes.ctypes.data, codes.shape[1] * GROUP
    guests = np.empty(len(desk.who), np.uint64)
    scores, passed = room_for_scores()
    counts[:] = 0
    listed = list_pages(tables, desk.reading.turned, desk.who[:asked], index.h, index.probes, pages, visitors)
    for n in range(listed):
        if n + AHEAD < listed:
            prefetch_row(codes_at + np.int64(pages[n + AHEAD]) * page_bytes, page_bytes)
        page, word, invited = np.int64(pages[n]), visitors[n], 0
        while word:
            guests[invited] = lowest(word)
            word &= word - uint64(1)
            invited += 1
        present = ~uint64(0) >> uint64(GROUP - sizes[page])
        for first in range(0, in_fours(guests, invited, nobody), ABREAST):
            if score_group(codes, page, queries, guests, first, cuts, scores, passed):
                for i in range(ABREAST):
                    b, word = guests[first + i], passed[i] & present
                    while word:
                        column = lowest(word)
                        word &= word - uint64(1)
                        count = counts[b]
                        if count < room and scores[i, column] < seen_cuts[b]:
                            slots[b, count], marks[b, count] = page_slots[page, column], scores[i, column]
                            counts[b] = count + 1
