"""Exact nearest neighbours: compare a query with every key.

    (n_1, ..., n_k) = NN_k(q, M): the k slots with the largest q . K[i], largest first        (LTRRE §2)

Queries and keys have unit length, so the dot product is the cosine. Equal cosines keep the order of their slots.

One matrix product gives all cosines, but it rounds a dot product differently at different places of the matrix, so that
two equal keys may come out unequal. Cosines that lie closer together than its rounding are computed again, one by
one, in a way that depends on nothing but the two vectors. So equal keys tie, on any machine.
"""

import numpy as np

from refmem.arrays import Array, along_rows, check_rank, inner_products, module_of, top_k

ABSENT_SLOT = -1
ABSENT_COSINE = -1.0
"""What stands in a column where the memory has no further key: no slot, and the least cosine there is."""

BELOW_ALL = float(np.finfo(np.float32).min)  # less than any cosine, and its differences are still numbers
SPARE = 8  # columns more than wanted, to see whether the k-th is beyond doubt


# spec: memory.read.nearest -- (n_1, ..., n_k) = NN_k(q, M), by falling q . K[i] (LTRRE §2)
def search(queries: Array, keys: Array, k: int, *, filled: Array | None = None) -> tuple[Array, Array]:
    """The k nearest keys of each query.

    Parameters
    ----------
    queries : [B, d] float
        Rows of unit length, or zero.
    keys : [m, d], dtype of `queries`
        Rows of unit length, or zero.
    k : int
        1 <= k <= m.
    filled : [m] bool, optional
        Only these slots are looked at; None is all. Where fewer than k are filled, the rest of a row is
        `ABSENT_SLOT` with `ABSENT_COSINE`.

    Returns
    -------
    slots : [B, k] int64
        By decreasing cosine, ties by increasing slot.
    cosines : [B, k], dtype of `queries`

    Raises
    ------
    ValueError
        If the widths differ, or k is less than 1 or more than the slots.
    """
    check_rank("queries", queries, 2)
    check_rank("keys", keys, 2)
    m, d = keys.shape
    if queries.shape[1] != d:
        raise ValueError(f"queries must be {d} wide like the keys, got {queries.shape[1]}")
    # spec: index.k-within-memory -- k below 1 or above the memory size is refused (refmem)
    if not 1 <= k <= m:
        raise ValueError(f"k must lie between 1 and the {m} slots of the memory, got {k}")
    xp = module_of(queries, "queries")
    rounding = d * float(np.finfo(queries.dtype).eps)  # two ways to sum d products of unit vectors differ by less

    end = m
    if filled is not None:  # a memory fills up from slot 0: nothing behind its last filled slot needs a look
        occupied = xp.flatnonzero(filled)
        end = max(k, int(occupied[-1]) + 1 if occupied.size else 0)
    # spec: index.current-keys -- a cosine is that of the query and the key as it stands in the slot now (refmem)
    all_cosines = queries @ keys[:end].T  # [B, end]
    # spec: index.written-only -- a slot that was never written is not returned (refmem)
    if filled is not None and int(occupied.size) < end:
        all_cosines[:, ~filled[:end]] = BELOW_ALL

    width = min(k + SPARE, end)
    # spec: index.distinct -- no slot is returned twice (refmem)
    slots = top_k(all_cosines, width)
    cosines = along_rows(all_cosines, slots)  # [B, width]
    while width < end and _cut_in_doubt(all_cosines, cosines[:, k - 1], cosines[:, -1], rounding):
        width = min(2 * width, end)
        slots = top_k(all_cosines, width)
        cosines = along_rows(all_cosines, slots)
    slots, cosines = _settle_ties(queries, keys, slots, cosines, rounding)

    # spec: index.full-rows -- fewer than k are returned only where fewer are written; the rest is -1 with cosine -1
    #     (refmem)
    absent = cosines[:, :k] == BELOW_ALL  # [B, k]
    return (xp.where(absent, ABSENT_SLOT, slots[:, :k]),
            xp.where(absent, queries.dtype.type(ABSENT_COSINE), cosines[:, :k]))


def _in_doubt(larger: Array, smaller: Array, rounding: float) -> Array:
    """Where two cosines are too close for the matrix product to tell them apart."""
    doubt: Array = (larger - smaller <= rounding) & (larger != BELOW_ALL)
    return doubt


def _cut_in_doubt(all_cosines: Array, last_wanted: Array, last_seen: Array, rounding: float) -> bool:
    """Whether a cosine further down might belong among the wanted ones: as close to the last of them, yet not equal."""
    doubt = _in_doubt(last_wanted, last_seen, rounding)  # [B]
    if not bool(doubt.any()):
        return False
    last = last_wanted[:, None]  # [B, 1]
    near = (all_cosines != last) & (abs(all_cosines - last) <= rounding)  # [B, m]
    return bool((doubt & near.any(axis=1)).any())


# spec: memory.read.ties-lower-slot -- equal cosines keep the order of their slots
#     (LTRRE §2 is silent; tf.nn.top_k)
def _settle_ties(queries: Array, keys: Array, slots: Array, cosines: Array, rounding: float) -> tuple[Array, Array]:
    """Compute cosines in doubt again, and sort their rows by cosine and then by slot."""
    xp = module_of(cosines)
    close = _in_doubt(cosines[:, :-1], cosines[:, 1:], rounding)  # [B, width - 1]
    # Rows whose close cosines are all equal are in order already: empty keys are thousands of zeros.
    close &= (close & (cosines[:, :-1] != cosines[:, 1:])).any(axis=1, keepdims=True)
    if not bool(close.any()):
        return slots, cosines
    doubtful = xp.zeros(cosines.shape, dtype=bool)  # [B, width]
    doubtful[:, :-1] |= close
    doubtful[:, 1:] |= close & (cosines[:, 1:] != BELOW_ALL)
    row, column = xp.nonzero(doubtful)
    cosines[row, column] = inner_products(queries[row], keys[slots[row, column]])

    left, right = cosines[:, :-1], cosines[:, 1:]  # most rows are in order still
    in_order = (left > right) | ((left == right) & (slots[:, :-1] < slots[:, 1:]))  # [B, width - 1]
    rows = xp.flatnonzero(doubtful.any(axis=1) & ~in_order.all(axis=1))
    by_slot = xp.argsort(slots[rows], axis=1, kind="stable")  # first by slot, then stably by cosine
    # spec: index.sorted -- the nearest comes first; equal cosines by rising slot (LTRRE §2, and refmem)
    by_cosine = xp.argsort(-xp.take_along_axis(cosines[rows], by_slot, axis=1), axis=1, kind="stable")
    order = xp.take_along_axis(by_slot, by_cosine, axis=1)
    slots[rows] = xp.take_along_axis(slots[rows], order, axis=1)
    cosines[rows] = xp.take_along_axis(cosines[rows], order, axis=1)
    return slots, cosines
