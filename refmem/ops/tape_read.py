"""Reading one position of a mental image: q[b] = s[b, position, row 0].        (LTRRE §2.1)

Outputs are read so, and so is the query of the memory: "the position one step ahead" of the current output. The
released code takes the query from `step[:, 0, it, :]` and the output from `step[:, it, 0, :]` of the same array, whose
second axis is the position; the two axes of the query are swapped there. The text settles it, and so does `forward`.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops.tape_write import check_position


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    shape: tuple[int, ...]  # of the image [B, n, w, m]
    position: int
    like: Array  # [B, m] what was read, for its dtype


def forward(s: Array, *, position: int) -> tuple[Array, Cache]:
    """What stands in row 0 of a position.

    Parameters
    ----------
    s : [B, n, w, m] float
    position : int
        In 0 .. n-1.

    Returns
    -------
    q : [B, m], dtype of `s`
    cache : Cache

    Raises
    ------
    ValueError
        If `s` has another rank, or the position lies outside.
    TypeError
        If `s` is not float32 or float64.
    """
    check_float("s", s)
    check_rank("s", s, 4)
    check_position(position, s.shape[1])
    # spec: tape_read.position-then-row -- q = s[:, position, row 0]: the axes are not swapped (LTRRE §2.1: "the
    #     position one step ahead"; the released code swaps them for its query)
    q = s[:, position, 0].copy()  # [B, m]
    return q, Cache(s.shape, position, q)


# spec: tape_read.gradient -- ds is dq at that place, and 0 elsewhere (derived)
def backward(dq: Array, cache: Cache) -> Array:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dq : [B, m]

    Returns
    -------
    ds : [B, n, w, m]
    """
    check_shape("dq", dq, cache.like.shape)
    check_dtype("dq", dq, cache.like.dtype)
    ds: Array = module_of(dq).zeros(cache.shape, dq.dtype)
    ds[:, cache.position, 0] = dq
    return ds
