"""The LSTM over a sequence, for speed: a twin of `lstm` for NumPy.

Some things differ, and none of them the result beyond rounding:

- The logistic function is a hyperbolic tangent, sigmoid(z) = (1 + tanh(z / 2)) / 2, so that one call squashes all four
  gates: the weights of o, i and f are halved, and their columns stand side by side (o, i, f, g).
- Time is the leading axis inside, so that each step works on one block of memory, in place. What comes in and goes out
  is [B, T, .] all the same, as a view.
- What the walk back multiplies by does not depend on the gradients, and is made for a few steps at a time. Few large
  calls take less time than many small ones, the more so where two threads share one interpreter lock.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.ops.lstm import check_arguments, check_gradient

TOGETHER = 2 ** 17
"""Numbers of the gates whose slopes are made at a time: as many as stay in cache."""


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [T, B, D] the input
    w_x: Array  # [D, 4H]
    w_h: Array  # [H, 4H]
    padding: list[Array | None]  # by t: [B, 1] bool, None where every row has a token
    reverse: bool
    gates: Array  # [T, B, 4, H] o, i, f, g
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
    gates = walked.reshape(length * batch, inputs) @ _halved(w_x, width)
    gates += _halved(bias, width)
    gates = gates.reshape(length, batch, 4 * width)
    w_halved = _halved(w_h, width)

    h, c = (np.empty((length + 1, batch, width), x.dtype) for _ in range(2))
    tanh_c = np.empty((length, batch, width), x.dtype)
    order, before, after = _walk(length, reverse)
    h[before(order[0]) if length else 0], c[before(order[0]) if length else 0] = state
    padding = _padding(mask, length)
    sums, part = np.empty((batch, 4 * width), x.dtype), np.empty((batch, width), x.dtype)
    for t in order:
        z, h_t, c_t = gates[t], h[after(t)], c[after(t)]
        z += np.matmul(h[before(t)], w_halved, out=sums)
        np.tanh(z, out=z)
        logistic = z[:, :3 * width]
        logistic *= half
        logistic += half
        o, i, f, g = (z[:, n * width:(n + 1) * width] for n in range(4))
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
    return y.swapaxes(0, 1), Cache(walked, w_x, w_h, padding, reverse, gates.reshape(length, batch, 4, width), h, c,
                                   tanh_c, np.stack([h[end], c[end]]))


# Of the derivation in `lstm_cell` only dh and dc change from step to step. With the slopes
#
#     through c:  a = o (1 - tanh(c')^2)       of i, f, g:  g i (1 - i),  c f (1 - f),  i (1 - g^2)
#     of o:  tanh(c') o (1 - o)
#
# a step back is   dc += dh a,   dz = [dc, dc, dc, dh] * slopes,   dc *= f,   dh = dz W_h^T. The slopes are laid where
# dz will stand.


def backward(dy: Array, cache: Cache, *, d_last: Array | None = None) -> tuple[Array, Array, Array, Array, Array]:
    """As `lstm.backward`."""
    x, w_x, w_h, padding, reverse, gates, h, c, tanh_c, last = cache
    length, batch, inputs = x.shape
    width, dtype = h.shape[2], h.dtype
    check_gradient(dy, h[1:].swapaxes(0, 1), d_last)
    h_before, c_before = (h[1:], c[1:]) if reverse else (h[:-1], c[:-1])
    back = np.ascontiguousarray(w_h.T)  # [4H, H]
    dz = np.empty((length, batch, 4, width), dtype)  # i, f, g, o, as the weights have them
    part, through_c = np.empty((batch, width), dtype), np.empty((length, batch, width), dtype)
    dh, dc = np.zeros_like(last) if d_last is None else d_last.copy()  # [B, H]
    few = max(1, TOGETHER // max(1, 4 * batch * width))
    blocks = [slice(start, min(length, start + few)) for start in range(0, length, few)]
    for block in blocks if reverse else reversed(blocks):
        _slopes(gates[block], c_before[block], tanh_c[block], dz[block], through_c[block])
        steps = range(block.start, block.stop)
        for t in steps if reverse else reversed(steps):
            waiting = padding[t]
            dh += dy[:, t]
            if waiting is not None:
                passed = np.where(waiting, dh, 0), np.where(waiting, dc, 0)
                np.copyto(dh, 0, where=waiting)
                np.copyto(dc, 0, where=waiting)
            np.multiply(dh, through_c[t], out=part)
            dc += part
            dz[t, :, :3] *= dc[:, None]
            dz[t, :, 3] *= dh
            dc *= gates[t, :, 2]
            np.matmul(dz[t].reshape(batch, 4 * width), back, out=dh)
            if waiting is not None:
                dh += passed[0]
                dc += passed[1]

    rows = dz.reshape(length * batch, 4 * width)
    dx = (rows @ w_x.T).reshape(length, batch, inputs).swapaxes(0, 1)
    d_w_x = x.reshape(length * batch, inputs).T @ rows
    d_w_h = h_before.reshape(length * batch, width).T @ rows
    return dx, np.stack([dh, dc]), d_w_x, d_w_h, rows.sum(axis=0)


def _slopes(gates: Array, c: Array, tanh_c: Array, out: Array, through_c: Array) -> None:
    """The slopes of i, f, g, o [t, B, 4, H], and a [t, B, H], of some steps."""
    o, i, f, g = (gates[:, :, n] for n in range(4))
    of_i_f, of_i, of_f, of_g, of_o = out[:, :, :2], out[:, :, 0], out[:, :, 1], out[:, :, 2], out[:, :, 3]
    np.subtract(1, gates[:, :, 1:3], out=of_i_f)
    of_i_f *= gates[:, :, 1:3]
    of_i *= g
    of_f *= c
    np.multiply(g, g, out=of_g)
    np.subtract(1, of_g, out=of_g)
    of_g *= i
    np.subtract(1, o, out=of_o)
    of_o *= o
    of_o *= tanh_c
    np.multiply(tanh_c, tanh_c, out=through_c)
    np.subtract(1, through_c, out=through_c)
    through_c *= o


def _walk(length: int, reverse: bool) -> tuple[range, Callable[[int], int], Callable[[int], int]]:
    """The steps in order; where the state before step t stands in h and c, and where the state after it."""
    if reverse:
        return range(length)[::-1], lambda t: t + 1, lambda t: t
    return range(length), lambda t: t, lambda t: t + 1


def _padding(mask: Array | None, length: int) -> list[Array | None]:
    if mask is None:
        return [None] * length
    return [None if column.all() else ~column[:, None] for column in mask.T]


def _halved(weights: Array, width: int) -> Array:
    """From the order i, f, g, o to o, i, f, g, all halved but the last."""
    half, moved = weights.dtype.type(0.5), np.empty(weights.shape, weights.dtype)
    np.multiply(weights[..., 3 * width:], half, out=moved[..., :width])
    np.multiply(weights[..., :2 * width], half, out=moved[..., width:3 * width])
    moved[..., 3 * width:] = weights[..., 2 * width:3 * width]
    return moved
