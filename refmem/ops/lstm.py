"""An LSTM over a whole sequence, for a batch of sequences of different lengths.

    [i, f, g, o]_t = x_t W_x + h_{t-1} W_h + b                 (`lstm_cell`: gates in the order of PyTorch)
    (h_t, c_t) = step(i, f, g, o, c_{t-1})    where t is a true token
    (h_t, c_t) = (h_{t-1}, c_{t-1})           where t is padding: the state waits
    y_t = h_t

Two things make it fast and change no result: x W_x + b is one product of matrices for all steps, made before the walk
through time; and dW_x, dW_h and dx are one product each, made after the walk back.
"""

from typing import NamedTuple

import numpy.typing as npt

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops.lstm_cell import advance, check_weights, gates, retreat


class Step(NamedTuple):
    """What one step of the walk back needs."""

    c: Array  # [B, H] the cell before
    i: Array  # [B, H]
    f: Array  # [B, H]
    g: Array  # [B, H]
    o: Array  # [B, H]
    tanh_c: Array  # [B, H] of the cell after, had there been a token


class Walk(NamedTuple):
    """What the walk back through time needs to know of the walk."""

    w_h: Array  # [H, 4H]
    mask: Array | None  # [B, T] bool
    order: range  # the steps as they were walked
    h_before: Array  # [B, T, H] h_{t-1} of each step
    steps: list[Step]  # by t
    last: Array  # [2, B, H] the state after the walk


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, T, D] the input
    w_x: Array  # [D, 4H]
    walk: Walk

    @property
    def last(self) -> Array:
        """[2, B, H] the state after the walk."""
        return self.walk.last


def forward(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array, mask: Array | None = None, *,
            reverse: bool = False) -> tuple[Array, Cache]:
    """Read each sequence from its first token to its last.

    Parameters
    ----------
    x : [B, T, D] float
        What stands at padding does not matter, so long as it is finite.
    state : [2, B, H], dtype of `x`
        h and c before the first step; `lstm_cell.zero_state`.
    w_x : [D, 4H], dtype of `x`
    w_h : [H, 4H], dtype of `x`
    bias : [4H], dtype of `x`
    mask : [B, T] bool, optional
        True at tokens, False at padding, wherever that stands. None: no padding. Not differentiated.
    reverse : bool
        Read from t = T-1 to 0: the other half of a bidirectional layer. `y` stays in the order of `x`.

    Returns
    -------
    y : [B, T, H], dtype of `x`
        h_t. At padding it repeats the h of the step walked before. (PyTorch's packed sequences give 0 there.)
    cache : Cache
        `cache.last` is the state after the whole walk [2, B, H].

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If `x` is not float32 or float64, the others are of another dtype, or `mask` is not of bools.
    """
    check_arguments(x, state, w_x, w_h, bias, mask)
    batch, length, inputs = x.shape
    width = w_h.shape[0]
    projected = (x.reshape(batch * length, inputs) @ w_x + bias).reshape(batch, length, 4 * width)  # [B, T, 4H]
    y, walked = walk(projected, state, w_h, mask, reverse=reverse)
    return y, Cache(x, w_x, walked)


def walk(projected: Array, state: Array, w_h: Array, mask: Array | None = None, *,
         reverse: bool = False) -> tuple[Array, Walk]:
    """`forward` without its first product, for a caller who has x W_x + b [B, T, 4H] already: (y [B, T, H], walk)."""
    xp = module_of(projected)
    batch, length, _ = projected.shape
    width = w_h.shape[0]
    h, c = state
    y, h_before = (xp.empty((batch, length, width), dtype=projected.dtype) for _ in range(2))
    steps: dict[int, Step] = {}
    # spec: lstm.reverse -- reversed, the last token is read first, and y stays in the order of x (GNMT)
    order = range(length)[::-1] if reverse else range(length)
    for t in order:
        # spec: lstm.in-turn -- each step starts from the h and c of the step before (GNMT)
        h_before[:, t] = h
        i, f, g, o = gates(projected[:, t] + h @ w_h)
        c_next, tanh_c, h_next = advance(i, f, g, o, c)
        steps[t] = Step(c, i, f, g, o, tanh_c)
        if mask is None:
            h, c = h_next, c_next
        else:
            here = mask[:, t, None]  # [B, 1]
            # spec: lstm.padding-keeps-state -- at padding the state stays, and y repeats it
            h, c = xp.where(here, h_next, h), xp.where(here, c_next, c)
        y[:, t] = h
    return y, Walk(w_h, mask, order, h_before, [steps[t] for t in range(length)], xp.stack([h, c]))


def check_arguments(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array, mask: Array | None) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("x", x)
    check_rank("x", x, 3)
    check_weights(x, state, w_x, w_h, bias)
    if mask is not None:
        check_shape("mask", mask, x.shape[:2])
        check_dtype("mask", mask, bool)


# At step t the gradient of h_t is dy_t, and what the step after hands back; at padding both go on untouched to h_{t-1},
# and that of c_t to c_{t-1}. At a token they go through the cell (`lstm_cell`), which gives dz_t and dc_{t-1}, and
#
#     dh_{t-1} = dz_t W_h^T.
#
# The weights are shared by all steps, so that their gradients are sums over t. With all dz kept, and zero at padding,
#
#     dx = dz W_x^T     dW_x = sum_bt x_bt^T dz_bt     dW_h = sum_bt h_{b,t-1}^T dz_bt     db = sum_bt dz_bt.


# spec: lstm.gradient -- back through time, in h and in c; gradients of the weights are summed over t (derived)
def backward(dy: Array, cache: Cache, *, d_last: Array | None = None) -> tuple[Array, Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`: back through time.

    Parameters
    ----------
    dy : [B, T, H]
        Gradient of the loss with respect to `y`.
    d_last : [2, B, H], optional
        With respect to `cache.last`, where the state is handed on; None is zero.

    Returns
    -------
    dx : [B, T, D]
    d_state : [2, B, H]
    d_w_x : [D, 4H]
    d_w_h : [H, 4H]
    d_bias : [4H]
    """
    x, w_x, walked = cache
    check_gradient(dy, walked.h_before.shape, x.dtype, d_last)
    dz, d_state, d_w_h = walk_back(dy, walked, d_last=d_last)
    rows = dz.reshape(-1, dz.shape[2])
    dx = (rows @ w_x.T).reshape(x.shape)
    d_w_x = x.reshape(-1, x.shape[2]).T @ rows
    return dx, d_state, d_w_x, d_w_h, rows.sum(axis=0)


def walk_back(dy: Array, walked: Walk, *, d_last: Array | None = None) -> tuple[Array, Array, Array]:
    """Vector-Jacobian product of `walk`: (dz [B, T, 4H] of the projected inputs, d_state [2, B, H], d_w_h [H, 4H])."""
    w_h, mask, order, h_before, steps, last = walked
    xp = module_of(dy)
    batch, length, width = h_before.shape
    dz = xp.empty((batch, length, 4 * width), dtype=dy.dtype)  # [B, T, 4H]
    dh, dc = xp.zeros_like(last) if d_last is None else d_last  # [B, H]
    for t in reversed(order):
        dh = dh + dy[:, t]
        here = None if mask is None else mask[:, t, None]  # [B, 1]
        dh_token = dh if here is None else dh * here
        dc_token = dc if here is None else dc * here
        dz[:, t], dc_before = retreat(dh_token, dc_token, *steps[t])
        dh_before = dz[:, t] @ w_h.T
        dh = dh_before if here is None else xp.where(here, dh_before, dh)
        dc = dc_before if here is None else xp.where(here, dc_before, dc)
    d_w_h = h_before.reshape(batch * length, width).T @ dz.reshape(batch * length, 4 * width)
    return dz, xp.stack([dh, dc]), d_w_h


def check_gradient(dy: Array, shape: tuple[int, ...], dtype: npt.DTypeLike, d_last: Array | None) -> None:
    """Raise a `ValueError` or `TypeError` unless these are gradients of a forward pass whose `y` was like this."""
    check_shape("dy", dy, shape)
    check_dtype("dy", dy, dtype)
    if d_last is not None:
        check_shape("d_last", d_last, (2, shape[0], shape[2]))
        check_dtype("d_last", d_last, dtype)
