# mypy: disallow-untyped-decorators=False
"""The elementwise part of a CGRU, one pass over memory each: the loops of `cgru_winograd`, compiled by numba.

In float32 tanh is a quotient of polynomials, which becomes vector code; in float64 it is that of the C library.
"""

import math
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import overload

from refmem.arrays import Array
from refmem.ops.hard_gate import SHIFT

compiled = numba.njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
"""Divisions go unchecked, as NumPy's do: a check would keep the loops from becoming vector code."""

# tanh(x) / x = P(x^2) / Q(x^2), fitted on |x| <= 9 by least squares, reweighted towards the smallest largest relative
# error: 2e-8. Rounding in float32 makes it 4e-7. Beyond 9 tanh is 1 to all digits of float32.
P = tuple(np.float32(a) for a in (0.9999999795, 0.1338108579, 3.4956582229e-3, 2.0610174607e-5, 1.3356045520e-8))
Q = tuple(np.float32(a) for a in (1.0, 0.4671440143, 2.5877252435e-2, 3.2857469062e-4, 7.7771529079e-7))
P0, P1, P2, P3, P4 = P
Q0, Q1, Q2, Q3, Q4 = Q
FAR, ONE = np.float32(9), np.float32(1)


def tanh(x: float) -> float:
    """tanh, within compiled code."""
    return math.tanh(x)


@overload(tanh)
def _tanh_of(x: Any) -> Any:
    if x == types.float32:
        def fitted(x: Any) -> Any:
            x = min(max(x, -FAR), FAR)
            z = x * x
            y = x * (P0 + z * (P1 + z * (P2 + z * (P3 + z * P4)))) / (Q0 + z * (Q1 + z * (Q2 + z * (Q3 + z * Q4))))
            return min(max(y, -ONE), ONE)
        return fitted

    def exact(x: Any) -> Any:
        return math.tanh(x)
    return exact


@compiled
def open_gates(gates: Array, drive: Array, s: Array, stretch: Any, reset: Array) -> None:
    """The gates of the sums in `gates`, in place, and reset = r s.

    Parameters
    ----------
    gates : [N, 2m]
        U' * s + B' and U'' * s + B''; then u and r.
    drive : [N, 3m], or [N, 0] for none
        Its first 2m maps are added first.
    s, reset : [N, m]
        The second is written.
    stretch : scalar of their dtype
    """
    pixels, m = s.shape
    half, zero, one, shift = s.dtype.type(0.5), s.dtype.type(0), s.dtype.type(1), s.dtype.type(SHIFT)
    if drive.shape[1]:
        for p in range(pixels):
            for i in range(2 * m):
                gates[p, i] += drive[p, i]
    flat = gates.reshape(gates.size)
    for i in range(flat.size):
        flat[i] = min(max(stretch * (half + half * tanh(half * flat[i])) - shift, zero), one)
    for p in range(pixels):
        for i in range(m):
            reset[p, i] = gates[p, m + i] * s[p, i]


@compiled
def mix(c: Array, drive: Array, s: Array, gates: Array, s_next: Array) -> None:
    """c = tanh(c + drive) in place, and s_next = u s + (1 - u) c; arrays [N, m], gates [N, 2m]."""
    pixels, m = s.shape
    one = s.dtype.type(1)
    if drive.shape[1]:
        for p in range(pixels):
            for i in range(m):
                c[p, i] += drive[p, 2 * m + i]
    flat = c.reshape(c.size)
    for i in range(flat.size):
        flat[i] = tanh(flat[i])
    for p in range(pixels):
        for i in range(m):
            s_next[p, i] = gates[p, i] * s[p, i] + (one - gates[p, i]) * c[p, i]


@compiled
def unmix(ds_next: Array, s: Array, gates: Array, c: Array, da_c: Array, reset: Array) -> None:
    """da_c = ds_next (1 - u) (1 - c^2), and reset = r s once more; arrays [N, m], the last two are written."""
    pixels, m = s.shape
    one = s.dtype.type(1)
    for p in range(pixels):
        for i in range(m):
            da_c[p, i] = ds_next[p, i] * (one - gates[p, i]) * (one - c[p, i] * c[p, i])
        for i in range(m):
            reset[p, i] = gates[p, m + i] * s[p, i]


@compiled
def close_gates(ds_next: Array, d_reset: Array, s: Array, gates: Array, c: Array, stretch: Any, da: Array,
                ds: Array) -> None:
    """da [N, 2m] = the gradients before both gates, ds [N, m] = ds_next u + d_reset r; these two are written."""
    pixels, m = s.shape
    zero, one, shift = s.dtype.type(0), s.dtype.type(1), s.dtype.type(SHIFT)
    for p in range(pixels):
        for i in range(m):
            da[p, i] = ds_next[p, i] * (s[p, i] - c[p, i])
        for i in range(m):
            da[p, m + i] = d_reset[p, i] * s[p, i]
        for i in range(m):
            ds[p, i] = ds_next[p, i] * gates[p, i] + d_reset[p, i] * gates[p, m + i]
    flat, opened = da.reshape(da.size), gates.reshape(gates.size)
    for i in range(flat.size):
        sigma = (opened[i] + shift) / stretch
        slope = zero if opened[i] <= zero or opened[i] >= one else stretch * sigma * (one - sigma)
        flat[i] *= slope
