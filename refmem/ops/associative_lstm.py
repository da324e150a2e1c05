"""Associative LSTM: the cell is a holographic memory, in several copies.    (Danihelka et al. 2016, baseline of FW)

State and keys are complex numbers. To store u under the key r, multiply them and add the product to the cell; to look
it up, multiply the cell by a key that turns r back. What is stored under other keys comes out as noise. Copies of the
memory, whose keys are shuffled differently, have different noise, and their mean has less.

For S copies with the shuffles P_s, and heads k that each write and read once a step:

    z = x W_x + h W_h + b                            split into the gates f, i_k, o_k and the vectors r_k, q_k, u_k
    f, i_k, o_k = sigmoid(.)    r_k, q_k, u_k = bound(.)
    c_s = f * c_s + sum_k (P_s r_k) (i_k u_k)                          write; f, i_k and o_k are real
    h_k = o_k bound(mean_s (P_s q_k) c_s)                              read

    bound(a) = a / max(1, |a|)                                         no complex number is longer than 1

K complex numbers are 2 K real ones, their real parts first; a gate has K numbers, one for both parts. f is one for all
heads. The output is h_1 .. h_heads side by side, and all of it comes back through W_h.

FW trains it with 4 copies and 3 heads and says no more. The equations for one head are those of Danihelka et al.
(2016). That each head has gates and an update of its own, and that reads are put side by side rather than added, is
settled here; public code that has several heads puts the reads side by side too, shares i, o and u among them, and
takes the mean of their writes.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of, to_host
from refmem.ops import sigmoid
from refmem.ops.complex_numbers import (
    Bounded,
    Complex,
    bound,
    bound_backward,
    from_halves,
    shuffled,
    to_halves,
    unshuffled,
)


class Gates(NamedTuple):
    """What a step makes of x and h before it touches the memory."""

    f: Array  # [B, K] keep
    i: Array  # [B, k, K] write
    o: Array  # [B, k, K] show
    r: Bounded  # [B, k, K] keys to write under
    q: Bounded  # [B, k, K] keys to read with
    u: Bounded  # [B, k, K] what is written


class State(NamedTuple):
    """Where a sequence stands."""

    h: Array  # [B, 2 K heads] the last output
    c: Complex  # [B, S, K] the memory


class Walk(NamedTuple):
    """What the way back through time needs to know of the way there."""

    w_h: Array  # [2 K heads, Z]
    shuffles: Array  # [S, K]
    gates: list[Gates]  # one a step
    cells: list[Complex]  # [B, S, K] before each step, and after the last
    reads: list[Bounded]  # [B, k, K] of the means over the copies, one a step
    h_before: Array  # [B, T, 2 K heads]
    last: State  # after the last step


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, T, D] the input
    w_x: Array  # [D, Z]
    walked: Walk


def sums(cells: int, heads: int) -> int:
    """Z: how many numbers z has for K complex cells: f, and for each head i, o, and twice as many for r, q and u."""
    return cells * (1 + 8 * heads)


def forward(x: Array, w_x: Array, w_h: Array, bias: Array, shuffles: Array, *, heads: int = 3) -> tuple[Array, Cache]:
    """The outputs of a batch of sequences, each from an empty memory.

    Parameters
    ----------
    x : [B, T, D] float
    w_x : [D, Z], dtype of `x`
        Z = K (1 + 8 heads): columns for f, for i of each head, o of each head, and then r, q and u of each head.
    w_h : [2 K heads, Z], dtype of `x`
    bias : [Z], dtype of `x`
    shuffles : [S, K] int
        P_s of each copy, a permutation of 0 .. K-1: (P_s r)_j = r_{P_s(j)}. Not differentiated.
    heads : int
        At least 1.

    Returns
    -------
    y : [B, T, 2 K heads], dtype of `x`
        h_1 .. h_heads of each step, each with its real parts before its imaginary ones.
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a row of `shuffles` is no permutation.
    TypeError
        If `x` is not float32 or float64, another array of another dtype, or `shuffles` not of integers.
    """
    _check(x, w_x, w_h, bias, shuffles, heads)
    batch, length, inputs = x.shape
    projected = (x.reshape(batch * length, inputs) @ w_x + bias).reshape(batch, length, w_x.shape[1])  # [B, T, Z]
    y, walked = walk(projected, zero_state(batch, shuffles, heads, like=x), w_h, shuffles)
    return y, Cache(x, w_x, walked)


def zero_state(batch: int, shuffles: Array, heads: int, like: Array) -> State:
    """An empty memory, and no output so far; with the dtype and on the device of `like`."""
    xp = module_of(like)
    copies, cells = shuffles.shape
    return State(xp.zeros((batch, 2 * cells * heads), dtype=like.dtype),
                 from_halves(xp.zeros((batch, copies, 2 * cells), dtype=like.dtype)))


def walk(projected: Array, state: State, w_h: Array, shuffles: Array) -> tuple[Array, Walk]:
    """The part of `forward` that goes through time: y [B, T, 2 K heads] of x W_x + b [B, T, Z]."""
    batch, length, _ = projected.shape
    copies, cells = shuffles.shape
    heads = w_h.shape[0] // (2 * cells)
    h, c = state
    y = module_of(w_h).empty((batch, length, w_h.shape[0]), dtype=w_h.dtype)  # [B, T, 2 K heads]
    walked = Walk(w_h, shuffles, [], [c], [], module_of(w_h).empty_like(y), state)
    for t in range(length):
        walked.h_before[:, t] = h
        # spec: associative_lstm.sums -- z = x W_x + h W_h + b makes gates, keys and update (Danihelka 2016, FW §4.1)
        gates = _gates(projected[:, t] + h @ w_h, cells, heads)
        # spec: associative_lstm.write -- c_s = f c_s + sum_k (P_s r_k) (i_k u_k), a complex product
        #     (Danihelka 2016, FW §4.1)
        w = (gates.i * gates.u.y)[:, :, None]  # [B, k, 1, K]
        c = gates.f[:, None] * c + (shuffled(gates.r.y, shuffles) * w).sum(axis=1)  # [B, S, K]
        # spec: associative_lstm.read -- h_k = o_k bound(mean over s of (P_s q_k) c_s), with the cell just written
        #     (Danihelka 2016, FW §4.1)
        seen = (shuffled(gates.q.y, shuffles) * c[:, None]).sum(axis=2) / w_h.dtype.type(copies)  # [B, k, K]
        read = bound(seen)
        h = y[:, t] = to_halves(gates.o * read.y)  # [B, 2 K heads]
        walked.gates.append(gates)
        walked.cells.append(c)
        walked.reads.append(read)
    return y, walked._replace(last=State(h, c))


def _gates(z: Array, cells: int, heads: int) -> Gates:
    """z [B, Z] in its parts."""
    f, i, o, r, q, u = (z[:, start:stop] for start, stop in _columns(cells, heads))
    one, wide = (z.shape[0], heads, cells), (z.shape[0], heads, 2 * cells)
    # spec: associative_lstm.gates -- f, i and o are sigmoids, one number for both parts of a complex one
    #     (Danihelka 2016)
    f, i, o = sigmoid.forward(f)[0], sigmoid.forward(i)[0].reshape(one), sigmoid.forward(o)[0].reshape(one)
    return Gates(f, i, o, *(bound(from_halves(part.reshape(wide))) for part in (r, q, u)))


def _columns(cells: int, heads: int) -> list[tuple[int, int]]:
    """Where f, i, o, r, q and u stand in z."""
    ends = [cells]
    for width in (1, 1, 2, 2, 2):
        ends.append(ends[-1] + width * cells * heads)
    return list(zip([0, *ends], ends, strict=False))


# --- Backward ---------------------------------------------------------------------------------------------------

# Let the gradient of a complex number a be the complex number G_a = dL/d Re a + i dL/d Im a. For a product w = a b,
#
#     G_a = G_w conj(b)        and, where a is real,        dL/da = Re(G_w conj(b)).
#
# bound' is in `complex_numbers`. A step backwards, from G_h and from what later steps owe the cell, with
# m_k = mean_s (P_s q_k) c_s, y_k = bound(m_k), w_k = i_k u_k:
#
#     do_k = Re(G_h conj(y_k))                          G_m = bound'(o_k G_h) / S        (of the sum, not the mean)
#     G_q_k = sum_s P_s^-1 (G_m conj(c_s))              G_c_s += sum_k G_m conj(P_s q_k)
#     G_r_k = sum_s P_s^-1 (G_c_s conj(w_k))            G_w_k = sum_s G_c_s conj(P_s r_k)
#     di_k = Re(G_w_k conj(u_k))                        G_u_k = i_k G_w_k
#     df = sum_s Re(G_c_s conj(c_s before))             G_c_s before = f G_c_s
#
# Through sigmoids and bounds these are dz, and z = x W_x + h W_h + b makes of it what a linear layer does.


# spec: associative_lstm.gradient -- exact, through time, copies, heads and the bounds (derived)
def backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    dy : [B, T, 2 K heads]
        Gradient of the loss with respect to `y`.

    Returns
    -------
    dx : [B, T, D]
    d_w_x : [D, Z]
    d_w_h : [2 K heads, Z]
    d_bias : [Z]
    """
    x, w_x, walked = cache
    check_shape("dy", dy, walked.h_before.shape)
    check_dtype("dy", dy, x.dtype)
    dz, d_w_h = walk_back(dy, walked)
    rows = dz.reshape(-1, w_x.shape[1])  # [B T, Z]
    d_w_x = x.reshape(-1, x.shape[2]).T @ rows
    return (rows @ w_x.T).reshape(x.shape), d_w_x, d_w_h, rows.sum(axis=0)


def walk_back(dy: Array, walked: Walk) -> tuple[Array, Array]:
    """The part of `backward` that goes through time: dz [B, T, Z] and d_w_h."""
    w_h, shuffles, gates, cells, reads, h_before, _ = walked
    xp = module_of(dy)
    batch, length, width = dy.shape
    copies = w_h.dtype.type(shuffles.shape[0])
    unshuffles = xp.argsort(shuffles, axis=1)  # [S, K] P_s^-1
    dz = xp.empty((batch, length, w_h.shape[1]), dtype=dy.dtype)  # [B, T, Z]
    dh = xp.zeros((batch, width), dtype=dy.dtype)  # [B, 2 K heads]
    g_c = xp.zeros_like(cells[0])  # [B, S, K]
    for t in range(length - 1, -1, -1):
        f, i, o, r, q, u = gates[t]
        read, c, c_before = reads[t], cells[t + 1], cells[t]
        g_h = from_halves((dy[:, t] + dh).reshape(*o.shape[:2], -1))  # [B, k, K]
        d_o = (g_h * xp.conj(read.y)).real  # [B, k, K]
        g_m = bound_backward(o * g_h, read)[:, :, None] / copies  # [B, k, 1, K]
        g_q = unshuffled(g_m * xp.conj(c)[:, None], unshuffles)  # [B, k, K]
        g_c = g_c + (g_m * xp.conj(shuffled(q.y, shuffles))).sum(axis=1)  # [B, S, K]
        g_r = unshuffled(g_c[:, None] * xp.conj(i * u.y)[:, :, None], unshuffles)  # [B, k, K]
        g_w = (g_c[:, None] * xp.conj(shuffled(r.y, shuffles))).sum(axis=2)  # [B, k, K]
        d_i = (g_w * xp.conj(u.y)).real  # [B, k, K]
        d_f = (g_c * xp.conj(c_before)).real.sum(axis=1)  # [B, K]
        g_c = f[:, None] * g_c

        slopes = [(d * gate * (1 - gate)).reshape(batch, -1) for d, gate in ((d_f, f), (d_i, i), (d_o, o))]
        turns = [to_halves(bound_backward(g, of)) for g, of in ((g_r, r), (g_q, q), (i * g_w, u))]
        dz[:, t] = xp.concatenate(slopes + turns, axis=1)
        dh = dz[:, t] @ w_h.T
    return dz, h_before.reshape(-1, width).T @ dz.reshape(-1, w_h.shape[1])


def _check(x: Array, w_x: Array, w_h: Array, bias: Array, shuffles: Array, heads: int) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these."""
    check_float("x", x)
    check_rank("x", x, 3)
    if isinstance(heads, bool) or not isinstance(heads, int) or heads < 1:
        raise ValueError(f"heads must be a whole number of at least 1, got {heads!r}")
    check_rank("shuffles", shuffles, 2)
    copies, cells = shuffles.shape
    if copies < 1 or cells < 1:
        raise ValueError(f"shuffles must have at least one copy and one cell, got shape {shuffles.shape}")
    if shuffles.dtype.kind not in "iu":
        raise TypeError(f"shuffles must be integers, got {shuffles.dtype}")
    if (np.sort(to_host(shuffles), axis=1) != np.arange(cells)).any():
        raise ValueError(f"each row of shuffles must be a permutation of 0..{cells - 1}")
    width = sums(cells, heads)
    for name, array, shape in (("w_x", w_x, (x.shape[2], width)), ("w_h", w_h, (2 * cells * heads, width)),
                               ("bias", bias, (width,))):
        check_rank(name, array, len(shape))
        check_shape(name, array, shape)
        check_dtype(name, array, x.dtype)
