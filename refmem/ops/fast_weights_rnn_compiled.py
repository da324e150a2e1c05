"""Fast twin of `fast_weights_rnn` in attention form: the same recurrence, in compiled loops over single sequences.

For NumPy arrays, and for the choices of the paper: the settled state is stored and read at once, and a layer norm runs
over the features. The loops are in `fast_weights_kernels`.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, check_dtype, check_shape, module_of
from refmem.ops.fast_weights_attention import ages_of, weight_gradients
from refmem.ops.fast_weights_choices import FW2016, Choices
from refmem.ops.fast_weights_kernels import walk, walk_back
from refmem.ops.fast_weights_rnn import check_arguments


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    recurrent: Array  # [R, R]
    start: Array  # [B, R]
    decay: Array  # []
    rate: Array  # []
    gain: Array  # [N, R], or one row of zeros where there is no norm
    norm_rows: int  # N
    norms: Array  # [S + 1] row of gain and bias at each place, -1 for none
    entries: Array  # [B, P + T, R] the states in the fast weights, oldest first
    begun: int  # P
    factors: Array  # [P + T] eta lambda^age, the latest last
    states: Array  # [B, T, S + 1, R]
    normed: Array  # [B, T, S + 1, R]
    scales: Array  # [B, T, S + 1]
    scores: Array  # [B, T, S, P + T]
    store: bool


def forward(inputs: Array, recurrent: Array, start: Array, past: Array, decay: Array, rate: Array, gain: Array,
            bias: Array, *, choices: Choices = FW2016, store: bool = True) -> tuple[Array, Cache]:
    """As `fast_weights_rnn.forward`, which says what the arguments are.

    Raises
    ------
    ValueError
        Also if `choices` are others than this twin can follow.
    TypeError
        Also if the arrays are not NumPy's.
    """
    if module_of(inputs, "inputs") is not np:
        raise TypeError("this twin of fast_weights_rnn runs on NumPy arrays; use fast_weights_rnn itself for "
                        f"{type(inputs).__module__}")
    check_arguments(inputs, recurrent, start, past, decay, rate, gain, bias, choices)
    if not choices.plain:
        raise ValueError(f"this twin of fast_weights_rnn stores the settled state, reads it at once and normalises "
                         f"rows, unlike the choices {choices.name!r}; use fast_weights_rnn")
    batch, length, width = inputs.shape
    begun = past.shape[1]
    dtype = inputs.dtype
    places = choices.steps + 1
    normed_at = [choices.norm_start] + [choices.norm != "none"] * choices.steps
    norms = np.full(places, -1)
    norms[normed_at] = 0 if choices.norm_shared else np.arange(choices.norms)
    if choices.norms == 0:  # rows that are never looked at
        gain = bias = np.zeros((1, width), dtype)

    entries = np.empty((batch, begun + (length if store else 0), width), dtype)
    entries[:, :begun] = past
    factors = rate * ages_of(entries.shape[1], decay)
    states, normed = (np.empty((batch, length, places, width), dtype) for _ in range(2))
    scales = np.empty((batch, length, places), dtype)
    scores = np.empty((batch, length, choices.steps, entries.shape[1]), dtype)
    walk(np.ascontiguousarray(inputs), np.ascontiguousarray(recurrent), np.ascontiguousarray(start), entries, begun,
         factors, np.ascontiguousarray(gain), np.ascontiguousarray(bias), dtype.type(choices.epsilon), norms, store,
         states, normed, scales, scores)
    return states[:, :, -1], Cache(recurrent, start, decay, rate, gain, choices.norms, norms, entries, begun, factors,
                                   states, normed, scales, scores, store)


def stored(cache: Cache) -> Array:
    """The states in the fast weights after the last step, oldest first: [B, P + T, R], or [B, P, R] without `store`."""
    return cache.entries


# The derivation is that of `fast_weights_rnn`. One thing is done otherwise: what a read owes to the stored states is
# added to them at once, since they are in cache.


def backward(d_hidden: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array, Array, Array, Array]:
    """As `fast_weights_rnn.backward`."""
    check_shape("dy", d_hidden, cache.states[:, :, -1].shape)
    check_dtype("dy", d_hidden, cache.states.dtype)
    batch, length, width = d_hidden.shape
    d_inputs, d_start = np.empty((batch, length, width), d_hidden.dtype), np.empty_like(cache.start, order="C")
    d_past = np.empty((batch, cache.begun, width), d_hidden.dtype)
    d_factors = np.zeros_like(cache.factors)
    d_gain, d_bias = np.zeros(cache.gain.shape, d_hidden.dtype), np.zeros(cache.gain.shape, d_hidden.dtype)
    walk_back(np.ascontiguousarray(d_hidden), np.ascontiguousarray(cache.recurrent.T), cache.entries, cache.begun,
              cache.factors, np.ascontiguousarray(cache.gain), cache.norms, cache.store, cache.states, cache.normed,
              cache.scales, cache.scores, d_inputs, d_start, d_past, d_factors, d_gain, d_bias)
    before = np.concatenate([cache.start[:, None], cache.states[:, :-1, -1]], axis=1)[:, :length]  # [B, T, R]
    d_recurrent = before.reshape(-1, width).T @ d_inputs.reshape(-1, width)
    return (d_inputs, d_recurrent, d_start, d_past, *weight_gradients(d_factors, cache.decay, cache.rate),
            d_gain[:cache.norm_rows], d_bias[:cache.norm_rows])
