"""One step of an LSTM, without peepholes.

    [i, f, g, o] = x W_x + h W_h + b          four blocks of H columns, in this order
    c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h' = sigmoid(o) * tanh(c')

The GNMT system, which the translation of LTRRE §2.1 stands on, is a stack of these. The order of the blocks is that of
PyTorch, whose weight_ih and weight_hh are W_x and W_h transposed, and whose two biases add up to b. TensorFlow's
BasicLSTMCell has i, g, f, o, and adds a forget bias of 1 inside; here nothing is added: whoever wants a cell that
remembers at first puts the number into b (`forget_bias`).

State goes in and out as one array [2, B, H], so that `h, c = state` reads it.
"""

from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops import sigmoid, tanh


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    x: Array  # [B, D] the input
    h: Array  # [B, H] the state before
    c: Array  # [B, H]
    w_x: Array  # [D, 4H]
    w_h: Array  # [H, 4H]
    i: Array  # [B, H] input gate, in (0, 1)
    f: Array  # [B, H] forget gate
    g: Array  # [B, H] candidate, in (-1, 1)
    o: Array  # [B, H] output gate
    tanh_c: Array  # [B, H] tanh(c')


def zero_state(batch: int, width: int, like: Array) -> Array:
    """h = c = 0: [2, B, H], with the dtype and on the device of `like`."""
    zeros: Array = module_of(like).zeros((2, batch, width), dtype=like.dtype)
    return zeros


def forget_bias(bias: Array, amount: float = 1.0) -> Array:
    """A copy of b [4H] with `amount` added where it opens the forget gate."""
    width = bias.shape[0] // 4
    raised = bias.copy()
    raised[width:2 * width] += bias.dtype.type(amount)
    return raised


def check_weights(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array) -> None:
    """Raise a `ValueError` or `TypeError` unless these fit together; `x` may have more dimensions than [B, D]."""
    check_float("x", x)
    check_rank("state", state, 3)
    check_rank("w_x", w_x, 2)
    check_rank("w_h", w_h, 2)
    width = w_h.shape[0]
    check_shape("w_h", w_h, (width, 4 * width))
    check_shape("w_x", w_x, (x.shape[-1], 4 * width))
    check_shape("bias", bias, (4 * width,))
    check_shape("state", state, (2, x.shape[0], width))
    for name, array in (("state", state), ("w_x", w_x), ("w_h", w_h), ("bias", bias)):
        check_dtype(name, array, x.dtype)


def forward(x: Array, state: Array, w_x: Array, w_h: Array, bias: Array) -> tuple[Array, Cache]:
    """Take one input each, and move the state on.

    Parameters
    ----------
    x : [B, D] float
    state : [2, B, H], dtype of `x`
        h and c before the step; `zero_state` at the beginning.
    w_x : [D, 4H], dtype of `x`
    w_h : [H, 4H], dtype of `x`
    bias : [4H], dtype of `x`

    Returns
    -------
    state : [2, B, H], dtype of `x`
        h' and c'.
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If `x` is not float32 or float64, or the others are of another dtype.
    """
    check_float("x", x)
    check_rank("x", x, 2)
    check_weights(x, state, w_x, w_h, bias)
    h, c = state
    i, f, g, o = gates(x @ w_x + h @ w_h + bias)
    c_next, tanh_c, h_next = advance(i, f, g, o, c)
    return module_of(x).stack([h_next, c_next]), Cache(x, h, c, w_x, w_h, i, f, g, o, tanh_c)


# spec: lstm_cell.gates -- the columns are i, f, g, o, in blocks of H (PyTorch)
def gates(z: Array) -> tuple[Array, Array, Array, Array]:
    """i, f, g, o [B, H] from their sums z [B, 4H]."""
    width = z.shape[1] // 4
    i = sigmoid.forward(z[:, :width])[0]
    # spec: lstm_cell.no-forget-bias -- nothing is added to the sums of the forget gate but b (PyTorch)
    f = sigmoid.forward(z[:, width:2 * width])[0]
    g = tanh.forward(z[:, 2 * width:3 * width])[0]
    o = sigmoid.forward(z[:, 3 * width:])[0]
    return i, f, g, o


def advance(i: Array, f: Array, g: Array, o: Array, c: Array) -> tuple[Array, Array, Array]:
    """c', tanh(c') and h' [B, H]."""
    # spec: lstm_cell.cell -- c' = f c + i g (GNMT)
    c_next = f * c + i * g  # [B, H]
    # spec: lstm_cell.output -- h' = o tanh(c') (GNMT)
    tanh_c = tanh.forward(c_next)[0]  # [B, H]
    return c_next, tanh_c, o * tanh_c


# h' = o tanh(c') hands its gradient to o and to c'; c' = f c + i g hands its own to f, c, i and g:
#
#     do = dh' tanh(c')        dc_total = dc' + dh' o (1 - tanh(c')^2)
#     df = dc_total c          di = dc_total g          dg = dc_total i          dc = dc_total f
#
# and through the slopes s (1 - s) of the sigmoid and 1 - g^2 of the tangent to the sums z = x W_x + h W_h + b:
#
#     dz = [di i (1 - i), df f (1 - f), dg (1 - g^2), do o (1 - o)]
#     dx = dz W_x^T    dh = dz W_h^T    dW_x = x^T dz    dW_h = h^T dz    db = sum_b dz_b.


# spec: lstm_cell.gradient -- both h' and c' hand their gradients back (derived)
def backward(d_state: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    d_state : [2, B, H]
        Gradient of the loss with respect to h' and c'.

    Returns
    -------
    dx : [B, D]
    d_state : [2, B, H]
        With respect to h and c before the step.
    d_w_x : [D, 4H]
    d_w_h : [H, 4H]
    d_bias : [4H]
    """
    x, h, c, w_x, w_h, i, f, g, o, tanh_c = cache
    check_shape("d_state", d_state, (2, *h.shape))
    check_dtype("d_state", d_state, h.dtype)
    dh, dc = d_state
    dz, dc_before = retreat(dh, dc, c, i, f, g, o, tanh_c)
    d_before = module_of(x).stack([dz @ w_h.T, dc_before])  # [2, B, H]
    return dz @ w_x.T, d_before, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def retreat(dh: Array, dc: Array, c: Array, i: Array, f: Array, g: Array, o: Array,
            tanh_c: Array) -> tuple[Array, Array]:
    """dz [B, 4H] of the sums, and dc [B, H] of the cell before the step."""
    dc_total = dc + dh * o * (1 - tanh_c * tanh_c)  # [B, H]
    d_gates = [dc_total * g * i * (1 - i), dc_total * c * f * (1 - f), dc_total * i * (1 - g * g),
               dh * tanh_c * o * (1 - o)]
    return module_of(dh).concatenate(d_gates, axis=1), dc_total * f
