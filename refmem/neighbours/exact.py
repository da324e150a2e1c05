"""Exact nearest neighbours: compare a query with every key.

    (n_1, ..., n_k) = NN_k(q, M): the k slots with the largest q . K[i], largest first        (LTRRE §2)

Queries and keys have unit length, so the dot product is the cosine. Equal cosines keep the order of their slots.
"""

from refmem.arrays import Array, check_rank, module_of, top_k

ABSENT_SLOT = -1
ABSENT_COSINE = -1.0
"""What stands in a column where the memory has no further key: no slot, and the least cosine there is."""


def search(queries: Array, keys: Array, k: int, *, filled: Array | None = None) -> tuple[Array, Array]:
    """The k nearest keys of each query.

    Parameters
    ----------
    queries : [B, d] float
        Rows of unit length, or zero.
    keys : [m, d], dtype of `queries`
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
    if not 1 <= k <= m:
        raise ValueError(f"k must lie between 1 and the {m} slots of the memory, got {k}")
    xp = module_of(queries, "queries")

    if filled is None:
        cosines = queries @ keys.T  # [B, m]
        slots = top_k(cosines, k)  # [B, k]
        return slots, xp.take_along_axis(cosines, slots, axis=1)

    # A memory fills up from slot 0: nothing behind its last filled slot needs a look.
    occupied = xp.flatnonzero(filled)
    end = max(k, int(occupied[-1]) + 1 if occupied.size else 0)
    cosines = queries @ keys[:end].T  # [B, end]
    cosines = xp.where(filled[:end], cosines, -xp.inf).astype(queries.dtype)
    slots = top_k(cosines, k)  # [B, k]
    nearest = xp.take_along_axis(cosines, slots, axis=1)  # [B, k]
    absent = xp.isinf(nearest)
    slots = xp.where(absent, ABSENT_SLOT, slots)
    return slots, xp.where(absent, ABSENT_COSINE, nearest).astype(queries.dtype)
