"""Writing: what the memory learns from a query and its true value.        (LTRRE §2, "Memory update")

    Case 1, V[n_1] = v:    K[n_1] <- (q + K[n_1]) / ||q + K[n_1]||,   A[n_1] <- 0
    Case 2, V[n_1] != v:   n' = argmax_i A[i] + r_i;   K[n'] <- q,   V[n'] <- v,   A[n'] <- 0
    and the age of every other slot grows by 1.

A write is a plan, which can be looked at and changes nothing, and its application, which is in place. Neither is
differentiated: a memory keeps activations, and what it kept is a constant for all later gradients.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, along_rows, module_of, put_rows, to_device, to_host, top_k
from refmem.memory.loss import Margin
from refmem.memory.profiles import Profile
from refmem.memory.read import Reading
from refmem.memory.state import NO_SOURCE, MemoryState
from refmem.ops import l2_normalize


class WritePlan(NamedTuple):
    """One slot for each row of the batch. Rows are written in order: where slots repeat, the last row wins."""

    slots: Array  # [B] int64
    keys: Array  # [B, d]
    values: Array  # [B] int64
    ages: Array  # [B] int64, what the row leaves in the slot when the batch is done
    sources: Array  # [B] int64
    labels: Array | None  # [B] int64 for which labels the slots become the recent ones, None for none
    wrong: Array  # [B] bool, case 2
    elapsed: int  # by how much every slot that is not written ages


def plan_paper(state: MemoryState, q: Array, labels: Array, reading: Reading, margin: Margin, profile: Profile, *,
               rng: np.random.Generator | None, sources: Array | None, oldest: Array | None) -> WritePlan:
    """The text, for a batch: all rows were answered by the memory as it was; then each row is one update, in order.

    A row of case 2 takes the oldest slot that no earlier row of the batch has taken. Ages grow once a row.
    """
    xp = module_of(q)
    batch = len(q)
    first = reading.found[:, :profile.correct_in_top] == labels[:, None]  # [B, correct_in_top]
    first &= reading.neighbours[:, :profile.correct_in_top] >= 0
    correct = first.any(axis=1)  # [B]
    # spec: memory.update.right-value.keeps-value -- V[n_1] = v: only slot n_1 is touched, and it keeps its
    #     value (LTRRE §2, case 1)
    answered = along_rows(reading.neighbours, first.argmax(axis=1)[:, None])[:, 0]  # [B] n_1
    if oldest is None:
        slots = _oldest_row_by_row(state, correct, answered, profile, rng)
    else:
        slots = xp.where(correct, answered, oldest)

    # spec: memory.update.right-value.average-key -- K[n_1] <- (q + K[n_1]) / ||q + K[n_1]||
    #     (LTRRE §2, case 1)
    averaged, _ = l2_normalize.forward(q + state.keys[slots])  # [B, d]
    return WritePlan(
        slots=slots,
        # spec: memory.update.wrong-value.write-query -- K[n'] <- q, V[n'] <- v (LTRRE §2, case 2)
        keys=xp.where(correct[:, None], averaged, q),
        values=labels.astype(xp.int64),
        ages=xp.arange(batch - 1, -1, -1),
        sources=_sources(sources, labels),
        labels=None,
        wrong=~correct,
        elapsed=batch,
    )


def plan_tf2017(state: MemoryState, q: Array, labels: Array, reading: Reading, margin: Margin, profile: Profile, *,
                rng: np.random.Generator | None, sources: Array | None, oldest: Array | None) -> WritePlan:
    """The released code: the best match of the pool is averaged, even when it has another value; row r of case 2
    takes the r-th of the oldest slots, whatever the others take. Ages grow once a batch.
    """
    xp = module_of(q)
    batch = len(q)
    # spec: tf2017.update.correct-in-top -- right is a row with the value among its first correct_in_top
    #     columns (released code)
    wrong = ~(reading.found[:, :profile.correct_in_top] == labels[:, None]).any(axis=1)  # [B]
    if oldest is None:
        if batch > len(state.ages):
            raise ValueError(f"the released code wants at least as many slots as rows, got {len(state.ages)} slots "
                             f"and {batch} rows")
        # spec: tf2017.update.oldest-by-row -- row r takes the r-th oldest slot, whether or not the rows
        #     before it wrote theirs (released code)
        oldest = top_k((state.ages + _noise(state, profile, rng))[None, :], batch)[0]  # [B] distinct
    # spec: tf2017.update.best-match -- the best match is averaged, and keeps its value even if that is
    #     another (released code)
    slots = xp.where(wrong, oldest, margin.positive)  # [B]

    averaged, _ = l2_normalize.forward(q + margin.positive_keys)  # [B, d]
    return WritePlan(
        slots=slots,
        keys=xp.where(wrong[:, None], q, averaged),
        values=xp.where(wrong, labels, state.values[margin.positive]),
        ages=xp.zeros(batch, dtype=xp.int64),
        sources=_sources(sources, labels),
        labels=labels if profile.recent_hint else None,
        wrong=wrong,
        # spec: tf2017.update.ages-once-a-batch -- a batch is one update: ages grow by 1 (released code)
        elapsed=1,
    )


PLAN = {"paper": plan_paper, "tf2017": plan_tf2017}


def apply(state: MemoryState, plan: WritePlan) -> None:
    """Carry out the plan, in place."""
    # spec: memory.update.age-grows -- the age of every other slot grows by 1, with each row (LTRRE §2)
    state.ages += plan.elapsed
    # spec: memory.update.last-row-wins -- rows are written in order: where slots repeat the last row wins
    #     (LTRRE §2 is silent)
    put_rows(state.keys, plan.slots, plan.keys)
    put_rows(state.values, plan.slots, plan.values)
    # spec: memory.update.age-reset -- A[n] <- 0 for a written slot (LTRRE §2)
    put_rows(state.ages, plan.slots, plan.ages)
    # spec: memory.update.sources -- a written slot remembers its training example (refmem)
    put_rows(state.sources, plan.slots, plan.sources)
    if state.recent is not None and plan.labels is not None:
        # spec: tf2017.update.recent-slot -- each label remembers the slot written for it last (released code)
        put_rows(state.recent, plan.labels, plan.slots)


# spec: memory.update.wrong-value.evict-oldest -- n' = argmax_i A[i] + r_i (LTRRE §2, case 2)
def _oldest_row_by_row(state: MemoryState, correct: Array, answered: Array, profile: Profile,
                       rng: np.random.Generator | None) -> Array:
    """n_1 for a row of case 1, else argmax_i A[i] + r_i among the slots that no earlier row has taken. [B]"""
    noise = to_host(_noise(state, profile, rng))  # [m] r_i
    scores = to_host(state.ages) + noise  # [m] A[i] + r_i, less the rows so far, by which all have aged alike
    batch = min(len(correct), len(scores))
    slots = to_host(answered).copy()  # [B]
    # The argmax among the slots that are free is the next of the oldest `batch` slots that is not taken.
    oldest = iter(_oldest(scores, batch))
    taken: set[int] = set()
    for row, right in enumerate(to_host(correct).tolist()):
        if not right:
            slot = next((slot for slot in oldest if slot not in taken), None)
            if slot is None:  # more rows than slots: all are taken, and are taken in turn again
                taken.clear()
                oldest = iter(_oldest(scores, batch))
                slot = next(oldest)
            slots[row] = slot
        # spec: memory.update.claimed-once -- a slot that a row of the batch took is not evicted by a later
        #     row (LTRRE §2 is silent)
        taken.add(int(slots[row]))
        scores[slots[row]] = noise[slots[row]] - (row + 1)  # age 0 after this row
    return to_device(slots, state.ages)


# spec: memory.update.age-ties-lower-slot -- of equally old slots the lower is taken
#     (LTRRE §2 is silent; tf.nn.top_k)
def _oldest(scores: Array, count: int) -> list[int]:
    """The `count` slots with the largest scores [m], largest first."""
    first = np.flatnonzero(scores == scores.max())[:count]  # slots never written are equally old: often enough
    chosen: list[int] = (first if len(first) == count else top_k(scores[None], count)[0]).tolist()
    return chosen


# spec: memory.update.age-noise -- r_i is added to the age before the oldest is chosen (LTRRE §2)
def _noise(state: MemoryState, profile: Profile, rng: np.random.Generator | None) -> Array:
    """r_i of each slot [m]; 0 without a generator. Drawn on the host, so that both devices see the same numbers."""
    m = len(state.ages)
    if rng is None or profile.age_noise == 0:
        xp = module_of(state.ages)
        silent: Array = xp.broadcast_to(xp.zeros(()), (m,))
        return silent
    return to_device(rng.uniform(-profile.age_noise, profile.age_noise, size=m), state.ages)


def _sources(sources: Array | None, labels: Array) -> Array:
    if sources is not None:
        return sources
    unknown: Array = module_of(labels).full(len(labels), NO_SOURCE, dtype=labels.dtype)
    return unknown
