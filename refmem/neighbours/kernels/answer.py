"""From a batch of queries to its answers, in one call of compiled code (the steps are told in `coded.py`)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload

from refmem.arrays import Array
from refmem.neighbours.kernels.codes import read_queries
from refmem.neighbours.kernels.llvm import FAST, Number, kernel, step
from refmem.neighbours.kernels.look import (Desk, Held, Measure, Sample, cut_for, desk_for, in_fours, set_first_cuts,
                                            set_second_cuts)
from refmem.neighbours.kernels.rank import RANKS, compare, rank, rank_for
from refmem.neighbours.kernels.top import dot, finish, offer


def look(index: Any, held: Held, desk: Desk, asked: Number) -> None:
    """Find, for the first `asked` queries of `desk.who`, the written slots that reach their cut and were not seen.

    What has no room is left out. How it is done depends on the type of `index`: `looking`.
    """
    raise TypeError("look stands for the compiled searches, which know it by the type of their index; Python has none")


def looking(kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The decorated function is `look` for an index that is a named tuple `kind`."""
    def register(function: Callable[..., None]) -> Callable[..., None]:
        def choose(index: Any, held: Any, desk: Any, asked: Any) -> Callable[..., None] | None:
            return function if getattr(index, "instance_class", None) is kind else None

        choose.__annotations__ = function.__annotations__  # numba wants them alike
        overload(look, jit_options={"fastmath": FAST})(choose)
        return function

    return register


@step
def answer(queries: Array, index: Any, held: Held, measure: Measure, sample: Sample, deviations: Number,
           budget: Number, found_slots: Array, found_marks: Array, cosines: Array, slots: Array) -> None:
    """The k nearest of each query, into `cosines` and `slots` [B, k]. `found_...` [B, room] are room to work in."""
    desk = desk_for(queries, held.fine.shape[1] * 8, found_slots, found_marks)
    read_queries(measure.rotation, queries, desk.reading)
    set_first_cuts(sample, held.filled, deviations, desk)
    look(index, held, desk, len(desk.who))
    wanted = np.empty(len(queries), np.int64)
    asked = answer_first(queries, held, measure, desk, wanted, cosines, slots)
    if asked:
        set_second_cuts(sample, held.filled, held.written, budget, desk, wanted, asked)
        look(index, held, desk, asked)
        answer_second(queries, held, measure, desk, asked, cosines, slots)
    answer_last(queries, held, desk, cosines, slots)


@step
def answer_first(queries: Array, held: Held, measure: Measure, desk: Desk, wanted: Array, cosines: Array,
                 slots: Array) -> Number:
    """Compare what the first look found. Returns how many queries need a second, then the first of `who`.

    A query is done if a better key than its k-th best would, with the certainty asked for, have been in the first
    look. Else `wanted` becomes the coarse score of such a key. Of many neighbours the last eighth is not asked about:
    where a cluster has somewhat fewer than k keys, what would be looked for is any of the far ones.
    """
    asked, k = 0, slots.shape[1]
    doubtful = k // 8
    for b in range(len(desk.sizes)):
        compare_finds(b, queries, held, measure, desk, cosines, slots)
        worst = -1.0
        if desk.sizes[b] == k:
            worst = np.partition(cosines[b], doubtful)[doubtful] if doubtful else cosines[b, 0]
        wanted[b] = cut_for(worst, measure, desk.reading, b)
        if wanted[b] < desk.cuts[b] and not desk.crowded[b]:
            desk.who[asked] = b
            asked += 1
    return in_fours(desk.who, asked, len(desk.sizes))


@step
def answer_second(queries: Array, held: Held, measure: Measure, desk: Desk, asked: Number, cosines: Array,
                  slots: Array) -> None:
    """Compare what the second look found for the first `asked` of `who`."""
    for b in desk.who[:asked]:
        if b != len(desk.sizes):
            compare_finds(b, queries, held, measure, desk, cosines, slots)


@kernel
def compare_finds(b: Number, queries: Array, held: Held, measure: Measure, desk: Desk, cosines: Array,
                  slots: Array) -> None:
    """Rank and compare what the last look found for query b."""
    size, finds = desk.sizes[b], desk.finds
    desk.crowded[b] = finds.counts[b] == finds.slots.shape[1]
    last = rank_for(cosines[b, 0], measure) if size == slots.shape[1] else RANKS
    rank(b, measure, held.fine, desk, last)
    count = finds.counts[b]
    desk.sizes[b] = compare(queries[b], held.keys, finds.slots[b, :count], finds.marks[b, :count], measure,
                            cosines[b], slots[b], size)


@step
def answer_last(queries: Array, held: Held, desk: Desk, cosines: Array, slots: Array) -> None:
    """Search exactly where too many looked near or too few were found, and sort the answers."""
    keys, filled = held.keys, held.filled
    for b in range(len(desk.sizes)):
        if desk.crowded[b] or desk.sizes[b] < min(slots.shape[1], held.written):
            size = 0
            for slot in range(held.end):
                if filled[slot]:
                    size = offer(cosines[b], slots[b], size, dot(queries[b], keys[slot]), slot)
            desk.sizes[b] = size
        finish(cosines[b], slots[b], desk.sizes[b])
