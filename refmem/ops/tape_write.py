"""Writing on the output tape: one position is replaced, the others stay.        (Extended Neural GPU, LTRRE §2.1)

    p_next[b, k, i] = v[b]        if k = position and row i is written
                      p[b, k, i]  otherwise

The decoder of the Extended Neural GPU fills its tape with embedded outputs, one a step. The text is understood to write
on row 0 alone, where the input stands too; the released code writes on all rows.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape

ROWS = ("first", "all")


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    shape: tuple[int, ...]  # of the tape [B, n, w, m]
    position: int
    written: slice  # of the rows
    like: Array  # [B, m] the values, for their dtype


def forward(p: Array, v: Array, *, position: int, rows: str = "first") -> tuple[Array, Cache]:
    """Put `v` on the tape.

    Parameters
    ----------
    p : [B, n, w, m] float
        The tape; it is not changed.
    v : [B, m], dtype of `p`
    position : int
        In 0 .. n-1.
    rows : "first" or "all"
        Row 0 alone, or every row.

    Returns
    -------
    p_next : [B, n, w, m], dtype of `p`
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together, the position lies outside the tape, or `rows` is unknown.
    TypeError
        If `p` is not float32 or float64, or `v` is of another dtype.
    """
    check_float("p", p)
    check_rank("p", p, 4)
    batch, positions, _, maps = p.shape
    check_rank("v", v, 2)
    check_shape("v", v, (batch, maps))
    check_dtype("v", v, p.dtype)
    check_position(position, positions)
    if rows not in ROWS:
        raise ValueError(f"rows must be one of {', '.join(ROWS)}, got {rows!r}")
    # spec: tape_write.rows -- row 0 alone is written; all rows as released (Extended Neural GPU; released code)
    written = slice(0, 1) if rows == "first" else slice(None)
    # spec: tape_write.position -- position t of the tape is replaced, all others stay (Extended Neural GPU;
    #     LTRRE §2.1: "placed on the output tape")
    p_next = p.copy()
    p_next[:, position, written] = v[:, None]
    return p_next, Cache(p.shape, position, written, v)


def check_position(position: int, positions: int) -> None:
    """Raise unless the position lies within the image."""
    if not 0 <= position < positions:
        raise ValueError(f"position must lie in 0..{positions - 1}, got {position}")


# What was overwritten has no influence any more; the value has it at every row where it was put.


# spec: tape_write.gradient -- dp is 0 where it was overwritten, dv is the sum over the written rows (derived)
def backward(dp_next: Array, cache: Cache) -> tuple[Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dp_next : [B, n, w, m]

    Returns
    -------
    dp : [B, n, w, m]
    dv : [B, m]
    """
    check_shape("dp_next", dp_next, cache.shape)
    check_dtype("dp_next", dp_next, cache.like.dtype)
    dp = dp_next.copy()
    dp[:, cache.position, cache.written] = 0
    return dp, dp_next[:, cache.position, cache.written].sum(axis=1)
