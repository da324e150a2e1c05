"""The LSTM over a sequence, for speed: a twin of `lstm` for NumPy.

What is not a product of matrices is compiled (`lstm_kernels`), one pass over memory a step. Time is the leading axis
inside, so that each step works on one block of memory; what comes in and goes out is [B, T, .] all the same, as a view.
Of each step the gates alone are kept. h and c follow from them in a fraction of the time, and are made again on the way
back: of a stack of layers one has them at a time.
The results differ by rounding; in float32 also by that of a fitted tanh, 4e-7.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops.lstm import check_arguments, check_gradient


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [T, B, D] the input
    w_x: Array  # [D, 4H]
    w_h: Array  # [H, 4H]
    there: Array  # [T, B] bool, false at padding
    reverse: bool
    gates: Array  # [T, B, 4H] i, f, g, o
    state: Array  # [2, B, H] before the walk
    last: Array  # [2, B, H] the state after the walk


def forward(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array, mask: Array | None = None, *,
            reverse: bool = False) -> tuple[Array, Cache]:
    """As `lstm.forward`; NumPy arrays alone."""
    if module_of(x, "x") is not np:
        raise TypeError(f"this twin of lstm runs on NumPy arrays, got one of {module_of(x).__name__}")
    check_arguments(x, state, w_x, w_h, bias, mask)
    from refmem.ops import lstm_kernels

    batch, length, inputs = x.shape
    width = w_h.shape[0]
    walked = np.ascontiguousarray(x.swapaxes(0, 1))  # [T, B, D]
    gates = (walked.reshape(length * batch, inputs) @ w_x).reshape(length, batch, 4 * width)
    there = np.ones((length, batch), bool) if mask is None else np.ascontiguousarray(mask.T)
    bias = np.ascontiguousarray(bias)

    h, c = _before(state, length, reverse)
    recurrent, tanh_c = np.empty((batch, 4 * width), x.dtype), np.empty((batch, width), x.dtype)
    for t, now, then in _steps(length, reverse):
        np.matmul(h[now], w_h, out=recurrent)
        lstm_kernels.step(gates[t], recurrent, bias, h[now], c[now], there[t], h[then], c[then], tanh_c)
    end = 0 if reverse else length
    y = h[:-1] if reverse else h[1:]
    return y.swapaxes(0, 1), Cache(walked, w_x, w_h, there, reverse, gates, state.copy(), np.stack([h[end], c[end]]))


def backward(dy: Array, cache: Cache, *, d_last: Array | None = None) -> tuple[Array, Array, Array, Array, Array]:
    """As `lstm.backward`."""
    x, w_x, w_h, there, reverse, gates, state, last = cache
    length, batch, inputs = x.shape
    width = w_h.shape[0]
    check_gradient(dy, (batch, length, width), x.dtype, d_last)
    from refmem.ops import lstm_kernels

    h, c = _before(state, length, reverse)
    tanh_c = np.empty((length, batch, width), x.dtype)
    steps = _steps(length, reverse)
    for t, now, then in steps:
        lstm_kernels.advance(gates[t], h[now], c[now], there[t], h[then], c[then], tanh_c[t])

    dy = np.ascontiguousarray(dy.swapaxes(0, 1))  # [T, B, H]
    dz = np.empty(gates.shape, gates.dtype)
    back = np.ascontiguousarray(w_h.T)  # [4H, H]
    dh, dc = np.zeros_like(last) if d_last is None else d_last.copy()  # [B, H]
    passed = np.empty_like(dh)
    whole = [bool(row.all()) for row in there]  # by t: whether no row has padding
    for t, now, _ in reversed(steps):
        lstm_kernels.step_back(dy[t], dh, dc, gates[t], c[now], tanh_c[t], there[t], dz[t])
        if not whole[t]:
            dh += np.matmul(dz[t], back, out=passed)
        else:
            np.matmul(dz[t], back, out=dh)
    del cache, gates, c, tanh_c, dy, back  # where nobody else holds them, the products have their room

    rows = dz.reshape(length * batch, 4 * width)
    dx = (rows @ w_x.T).reshape(length, batch, inputs).swapaxes(0, 1)
    d_w_x = x.reshape(length * batch, inputs).T @ rows
    h_before = h[1:] if reverse else h[:-1]  # [T, B, H]
    d_w_h = h_before.reshape(length * batch, width).T @ rows
    return dx, np.stack([dh, dc]), d_w_x, d_w_h, rows.sum(axis=0)


def _before(state: Array, length: int, reverse: bool) -> tuple[Array, Array]:
    """h and c [T + 1, B, H] of the steps to come, and `state` where the walk begins."""
    h, c = (np.empty((length + 1, *part.shape), part.dtype) for part in state)
    first = length if reverse else 0
    h[first], c[first] = state
    return h, c


def _steps(length: int, reverse: bool) -> list[tuple[int, int, int]]:
    """(t, now, then) as they are walked: each step, and where in h and c the states before and after it stand."""
    return [(t, t + 1, t) for t in range(length)[::-1]] if reverse else [(t, t, t + 1) for t in range(length)]
