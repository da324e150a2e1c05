"""The LSTM over a sequence, for speed: a twin of `lstm` for NumPy.

Three things differ, and none of them the result beyond rounding:

- the logistic function is a hyperbolic tangent, sigmoid(z) = (1 + tanh(z / 2)) / 2, so that one call squashes all four
  gates: the columns of i, f and o are halved in the weights, and stand side by side (i, f, o, g);
- time is the leading axis inside, so that each step works on one block of memory, in place; what comes in and goes out
  is [B, T, .] all the same, as a view;
- nothing is kept that can be had from what is kept: the gates, c and tanh(c), and the h that are the output.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops.lstm import check_arguments, check_gradient


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass. Gates stand in the order i, f, o, g."""

    x: Array  # [T, B, D] the input
    w_x: Array  # [D, 4H]
    w_h: Array  # [H, 4H]
    padding: list[Array | None]  # by t: [B, 1] bool, None where every row has a token
    order: range  # the steps as they were walked
    gates: Array  # [T, B, 4H]
    h: Array  # [T + 1, B, H] of all steps, and of before them
    c: Array  # [T + 1, B, H]
    tanh_c: Array  # [T, B, H]
    last: Array  # [2, B, H] the state after the walk


def forward(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array, mask: Array | None = None, *,
            reverse: bool = False) -> tuple[Array, Cache]:
    """As `lstm.forward`; NumPy arrays alone."""
    if module_of(x, "x") is not np:
        raise TypeError(f"this twin of lstm runs on NumPy arrays, got one of {module_of(x).__name__}")
    check_arguments(x, state, w_x, w_h, bias, mask)
    batch, length, inputs = x.shape
    width, half = w_h.shape[0], x.dtype.type(0.5)
    walked = np.ascontiguousarray(x.swapaxes(0, 1))  # [T, B, D]
    w_x, w_h, bias = (_side_by_side(array, width) for array in (w_x, w_h, bias))
    halves = np.full(4 * width, half)  # [4H]
    halves[3 * width:] = 1
    gates = (walked.reshape(length * batch, inputs) @ (w_x * halves)).reshape(length, batch, 4 * width)
    gates += bias * halves
    w_half = w_h * halves

    h, c = (np.empty((length + 1, batch, width), x.dtype) for _ in range(2))
    tanh_c = np.empty((length, batch, width), x.dtype)
    order, before, after = _walk(length, reverse)
    h[before(order[0]) if length else 0], c[before(order[0]) if length else 0] = state
    padding = _padding(mask, length)
    sums, part = np.empty((batch, 4 * width), x.dtype), np.empty((batch, width), x.dtype)
    for t in order:
        z, h_t, c_t = gates[t], h[after(t)], c[after(t)]
        z += np.matmul(h[before(t)], w_half, out=sums)
        np.tanh(z, out=z)
        logistic = z[:, :3 * width]
        logistic *= half
        logistic += half
        i, f, o, g = (z[:, n * width:(n + 1) * width] for n in range(4))
        np.multiply(f, c[before(t)], out=c_t)
        c_t += np.multiply(i, g, out=part)
        np.tanh(c_t, out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h_t)
        waiting = padding[t]
        if waiting is not None:
            np.copyto(h_t, h[before(t)], where=waiting)
            np.copyto(c_t, c[before(t)], where=waiting)
    end = after(order[-1]) if length else 0
    y = h[:-1] if reverse else h[1:]
    return y.swapaxes(0, 1), Cache(walked, w_x, w_h, padding, order, gates, h, c, tanh_c, np.stack([h[end], c[end]]))


def backward(dy: Array, cache: Cache, *, d_last: Array | None = None) -> tuple[Array, Array, Array, Array, Array]:
    """As `lstm.backward`."""
    x, w_x, w_h, padding, order, gates, h, c, tanh_c, last = cache
    length, batch, inputs = x.shape
    width, dtype = h.shape[2], h.dtype
    check_gradient(dy, h[1:].swapaxes(0, 1), d_last)
    _, before, _ = _walk(length, order.step < 0)
    back = np.ascontiguousarray(w_h.T)  # [4H, H]
    dz = np.empty((length, batch, 4 * width), dtype)
    slopes, part = np.empty((batch, 4 * width), dtype), np.empty((batch, width), dtype)
    dh, dc = np.zeros_like(last) if d_last is None else d_last.copy()  # [B, H]
    for t in reversed(order):
        dh += dy[:, t]
        waiting, d, s = padding[t], dz[t], gates[t]
        passed = None if waiting is None else (np.where(waiting, dh, 0), np.where(waiting, dc, 0))
        if waiting is not None:
            np.copyto(dh, 0, where=waiting)
            np.copyto(dc, 0, where=waiting)
        i, f, o, g = (s[:, n * width:(n + 1) * width] for n in range(4))
        d_i, d_f, d_o, d_g = (d[:, n * width:(n + 1) * width] for n in range(4))

        np.multiply(tanh_c[t], tanh_c[t], out=part)  # dc += dh o (1 - tanh(c)^2)
        np.subtract(1, part, out=part)
        part *= o
        part *= dh
        dc += part
        np.multiply(dc, g, out=d_i)
        np.multiply(dc, c[before(t)], out=d_f)
        np.multiply(dh, tanh_c[t], out=d_o)
        np.multiply(dc, i, out=d_g)
        logistic = slopes[:, :3 * width]  # s (1 - s), and 1 - g^2
        np.subtract(1, s[:, :3 * width], out=logistic)
        logistic *= s[:, :3 * width]
        squares = slopes[:, 3 * width:]
        np.multiply(g, g, out=squares)
        np.subtract(1, squares, out=squares)
        d *= slopes
        dc *= f
        np.matmul(d, back, out=dh)
        if passed is not None:
            dh += passed[0]
            dc += passed[1]

    rows = dz.reshape(length * batch, 4 * width)
    h_before = (h[1:] if order.step < 0 else h[:-1]).reshape(length * batch, width)
    dx = (rows @ w_x.T).reshape(length, batch, inputs).swapaxes(0, 1)
    d_w_x, d_w_h, d_bias = (_in_order(array, width) for array in
                            (x.reshape(length * batch, inputs).T @ rows, h_before.T @ rows, rows.sum(axis=0)))
    return dx, np.stack([dh, dc]), d_w_x, d_w_h, d_bias


def _walk(length: int, reverse: bool):  # type: ignore[no-untyped-def]
    """The steps in order; where the state before step t stands in h and c, and where the state after it."""
    if reverse:
        return range(length)[::-1], lambda t: t + 1, lambda t: t
    return range(length), lambda t: t, lambda t: t + 1


def _padding(mask: Array | None, length: int) -> list[Array | None]:
    if mask is None:
        return [None] * length
    return [None if column.all() else ~column[:, None] for column in mask.T]


def _side_by_side(blocks: Array, width: int) -> Array:
    """From the order i, f, g, o to i, f, o, g."""
    return np.concatenate([blocks[..., :2 * width], blocks[..., 3 * width:], blocks[..., 2 * width:3 * width]], axis=-1)


_in_order = _side_by_side  # which swaps the last two blocks, and so undoes itself
