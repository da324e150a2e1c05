"""Convolutional gated recurrent unit: one cell of the Neural GPU.        (Neural GPU, arXiv 1511.08228 §2)

    u = sigma'(U' * s + B')        update gate
    r = sigma'(U'' * s + B'')      reset gate
    c = tanh(U * (r s) + B)        candidate
    s_next = u s + (1 - u) c

on a "mental image" s of n positions, w rows and m maps. The star is a convolution that keeps the size; sigma' is the
gate of `hard_gate`. The two gate kernels see the same s and stand side by side in one array: `gate_kernels`
[kh, kw, m, 2m] = (U', U'').

A cell of the decoder of the Extended Neural GPU also sees the output tape p: each of the three convolutions gets a
second one added, W' * p and so on. That sum is handed in as `drive` [B, n, w, 3m], in the order u, r, c.
"""

from types import ModuleType
from typing import NamedTuple

from refmem.arrays import Array, check_dtype, check_float, check_rank, check_shape, module_of
from refmem.ops import conv2d, hard_gate


class Weights(NamedTuple):
    """Of one cell."""

    gate_kernels: Array  # [kh, kw, m, 2m] U' and U''
    gate_bias: Array  # [2m] B' and B''
    candidate_kernels: Array  # [kh, kw, m, m] U
    candidate_bias: Array  # [m] B


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    s: Array  # [B, n, w, m] the mental image
    u: Array  # [B, n, w, m] update gate
    r: Array  # [B, n, w, m] reset gate
    c: Array  # [B, n, w, m] candidate
    weights: Weights
    stretch: float
    driven: bool
    conv: ModuleType


def check_arguments(s: Array, weights: Weights, drive: Array | None) -> None:
    """Raise a `ValueError` or `TypeError` unless `forward` can take these; its twins ask the same."""
    check_float("s", s)
    check_rank("s", s, 4)
    m = s.shape[3]
    check_rank("gate_kernels", weights.gate_kernels, 4)
    kh, kw = weights.gate_kernels.shape[:2]
    if kh % 2 == 0 or kw % 2 == 0:
        raise ValueError(f"gate_kernels must have an odd height and width, got {kh}x{kw}")
    for name, shape in zip(Weights._fields, ((kh, kw, m, 2 * m), (2 * m,), (kh, kw, m, m), (m,)), strict=True):
        array = getattr(weights, name)
        check_rank(name, array, len(shape))
        check_shape(name, array, shape)
        check_dtype(name, array, s.dtype)
    if drive is not None:
        check_shape("drive", drive, (*s.shape[:3], 3 * m))
        check_dtype("drive", drive, s.dtype)


def forward(s: Array, gate_kernels: Array, gate_bias: Array, candidate_kernels: Array, candidate_bias: Array,
            drive: Array | None = None, *, cutoff: str = "paper",
            conv: ModuleType = conv2d) -> tuple[Array, Cache]:
    """One step of one cell.

    Parameters
    ----------
    s : [B, n, w, m] float
        The mental image.
    gate_kernels : [kh, kw, m, 2m], dtype of `s`
        U' of the update gate, then U'' of the reset gate; odd kh and kw.
    gate_bias : [2m]
    candidate_kernels : [kh, kw, m, m]
    candidate_bias : [m]
    drive : [B, n, w, 3m], optional
        What is added before the two gates and the tanh.
    cutoff : "paper" or "released"
        Of the gates, see `hard_gate`. The tanh is not cut.
    conv : module
        `conv2d`, or a twin of it.

    Returns
    -------
    s_next : [B, n, w, m], dtype of `s`
    cache : Cache

    Raises
    ------
    ValueError
        If the shapes do not fit together, a kernel has an even side, or there is no such cutoff.
    TypeError
        If `s` is not float32 or float64, or the others are of another dtype.
    """
    weights = Weights(gate_kernels, gate_bias, candidate_kernels, candidate_bias)
    check_arguments(s, weights, drive)
    xp = module_of(s)
    m = s.shape[3]

    gates, _ = conv.forward(s, gate_kernels, gate_bias)  # [B, n, w, 2m]
    if drive is not None:
        # spec: cgru.drive -- what the tape adds enters before both gates and the candidate's tanh: U' * s + W' * p
        #     (Extended Neural GPU, released code)
        gates = gates + drive[..., :2 * m]
    # spec: cgru.gates -- u = sigma'(U' * s + B'), r = sigma'(U'' * s + B'') (Neural GPU, arXiv 1511.08228 §2)
    opened, _ = hard_gate.forward(gates, cutoff=cutoff)
    u, r = opened[..., :m], opened[..., m:]  # [B, n, w, m] each
    # spec: cgru.reset-before-convolution -- the reset gate multiplies s before the convolution: U * (r s)
    #     (Neural GPU, arXiv 1511.08228 §2)
    candidate, _ = conv.forward(r * s, candidate_kernels, candidate_bias)  # [B, n, w, m]
    if drive is not None:
        candidate = candidate + drive[..., 2 * m:]
    # spec: cgru.candidate -- c = tanh(U * (r s) + B), not cut (Neural GPU, arXiv 1511.08228 §2)
    c = xp.tanh(candidate)  # [B, n, w, m]
    # spec: cgru.mix -- s_next = u s + (1 - u) c (Neural GPU, arXiv 1511.08228 §2)
    s_next = u * s + (1 - u) * c  # [B, n, w, m]
    return s_next, Cache(s, u, r, c, weights, hard_gate.stretch_of(cutoff), drive is not None, conv)


# Backwards through s_next = u s + (1 - u) c, and then through each convolution once:
#
#     du = ds_next (s - c)        dc = ds_next (1 - u)        ds = ds_next u + ...
#     da_c = dc (1 - c^2)         d(r s), dU, dB = the convolution's, for da_c
#     dr = d(r s) s               ds += d(r s) r
#     da_u, da_r = the gate's, for du and dr
#     ds += the gate convolution's, for (da_u, da_r)
#
# The drive was added to all three sums, so that its gradient is (da_u, da_r, da_c).


# spec: cgru.gradient -- the chain rule through mix, candidate, reset and gates (derived)
def backward(ds_next: Array, cache: Cache) -> tuple[Array, ...]:
    """Vector-Jacobian product of `forward`.

    Parameters
    ----------
    ds_next : [B, n, w, m]
        Gradient of the loss with respect to `s_next`.

    Returns
    -------
    ds, d_gate_kernels, d_gate_bias, d_candidate_kernels, d_candidate_bias
        Each of the shape of its argument.
    d_drive : [B, n, w, 3m]
        Only where there was a `drive`.
    """
    s, u, r, c, weights, stretch, driven, conv = cache
    check_shape("ds_next", ds_next, s.shape)
    check_dtype("ds_next", ds_next, s.dtype)
    xp = module_of(s)

    da_c = ds_next * (1 - u) * (1 - c * c)  # [B, n, w, m]
    candidate = conv2d.Cache(r * s, weights.candidate_kernels)
    d_reset, d_candidate_kernels, d_candidate_bias = conv.backward(da_c, candidate)
    ds = ds_next * u + d_reset * r  # [B, n, w, m]
    d_gates = xp.concatenate([ds_next * (s - c), d_reset * s], axis=3)  # [B, n, w, 2m] du, dr
    da = hard_gate.backward(d_gates, hard_gate.Cache(xp.concatenate([u, r], axis=3), stretch))  # [B, n, w, 2m]
    through_gates, d_gate_kernels, d_gate_bias = conv.backward(da, conv2d.Cache(s, weights.gate_kernels))
    gradients = ds + through_gates, d_gate_kernels, d_gate_bias, d_candidate_kernels, d_candidate_bias
    return (*gradients, xp.concatenate([da, da_c], axis=3)) if driven else gradients
