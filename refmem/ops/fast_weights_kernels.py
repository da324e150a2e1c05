# mypy: disallow-untyped-decorators=False
"""The loops of `fast_weights_rnn_compiled`, compiled by numba: one sequence after the other, all of it in cache.

A step of the recurrence is a dozen operations on a few thousand numbers. As array operations, most of the time goes
into calling them; here a sequence is walked alone, and its R numbers are the innermost loop of everything. Sums may be
reordered (`reassoc`), so that they become vector code. Arrays are indexed to the last number and never sliced within a
sequence: a slice costs numba two atomic operations, which is more than a row of 50 products. The innermost index
is unsigned, so that numba leaves out its check for negative ones.
"""

from typing import Any

import numba
import numpy as np

from refmem.arrays import Array

index: Any = numba.uintp
compiled = numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})


@compiled
def walk(inputs: Array, recurrent: Array, start: Array, entries: Array, begun: int, factors: Array, gain: Array,
         bias: Array, eps: float, norms: Array, store: bool, states: Array, normed: Array, scales: Array,
         scores: Array) -> None:
    """Forward. `norms` [S + 1]: the row of gain and bias at each place, or -1. `entries` and the last four are written.

    Shapes: inputs [B, T, R], entries [B, P + T or P, R], factors [P + T or P], states and normed [B, T, S + 1, R],
    scales [B, T, S + 1], scores [B, T, S, P + T or P].
    """
    batch, length, R = inputs.shape[0], inputs.shape[1], index(inputs.shape[2])
    places, newest = norms.shape[0], factors.shape[0]
    zero, share = inputs.dtype.type(0), inputs.dtype.type(1 / R)
    total, boundary, h = np.empty(R, inputs.dtype), np.empty(R, inputs.dtype), np.empty(R, inputs.dtype)
    for b in range(batch):
        known = begun
        for j in range(R):
            h[j] = start[b, j]
        for t in range(length):
            for j in range(R):  # the boundary: C x + W h
                boundary[j] = inputs[b, t, j]
            for i in range(R):
                if h[i] != zero:
                    h_i = h[i]
                    for j in range(R):
                        boundary[j] += h_i * recurrent[i, j]
            for s in range(places):
                for j in range(R):
                    total[j] = boundary[j]
                if s > 0:  # and what the fast weights answer to the state before
                    for k in range(known):
                        score = zero
                        for j in range(R):
                            score += entries[b, k, j] * h[j]
                        scores[b, t, s - 1, k] = score
                        weight = score * factors[newest - known + k]
                        for j in range(R):
                            total[j] += weight * entries[b, k, j]
                row = norms[s]
                if row >= 0:  # layer norm
                    mean, variance = zero, zero
                    for j in range(R):
                        mean += total[j]
                    mean *= share
                    for j in range(R):
                        variance += (total[j] - mean) * (total[j] - mean)
                    scale = inputs.dtype.type(1 / np.sqrt(variance * share + eps))
                    scales[b, t, s] = scale
                    for j in range(R):
                        n = (total[j] - mean) * scale
                        normed[b, t, s, j] = n
                        total[j] = n * gain[row, j] + bias[row, j]
                for j in range(R):
                    h[j] = total[j] if total[j] > zero else zero
                    states[b, t, s, j] = h[j]
            if store:
                for j in range(R):
                    entries[b, known, j] = h[j]
                known += 1


@compiled
def walk_back(d_hidden: Array, transposed: Array, entries: Array, begun: int, factors: Array, gain: Array, norms: Array,
              store: bool, states: Array, normed: Array, scales: Array, scores: Array, d_inputs: Array, d_start: Array,
              d_past: Array, d_factors: Array, d_gain: Array, d_bias: Array) -> None:
    """Backward; `transposed` is W. The last six are written, of which the last three must be zero before."""
    batch, length, R = d_hidden.shape[0], d_hidden.shape[1], index(d_hidden.shape[2])
    places, newest = norms.shape[0], factors.shape[0]
    zero, share = d_hidden.dtype.type(0), d_hidden.dtype.type(1 / R)
    dh, dn, boundary = np.empty(R, d_hidden.dtype), np.empty(R, d_hidden.dtype), np.empty(R, d_hidden.dtype)
    d_entries = np.empty((entries.shape[1], R), d_hidden.dtype)
    for b in range(batch):
        d_entries[:] = 0
        dh[:] = 0
        for t in range(length - 1, -1, -1):
            known = begun + t if store else begun
            for j in range(R):
                dh[j] += d_hidden[b, t, j]
                boundary[j] = zero
            if store:
                for j in range(R):
                    dh[j] += d_entries[known, j]
            for s in range(places - 1, -1, -1):
                for j in range(R):
                    dn[j] = dh[j] if states[b, t, s, j] > zero else zero
                row = norms[s]
                if row >= 0:  # layer norm
                    first, second = zero, zero
                    for j in range(R):
                        n = normed[b, t, s, j]
                        d_gain[row, j] += dn[j] * n
                        d_bias[row, j] += dn[j]
                        dn[j] *= gain[row, j]
                        first += dn[j]
                        second += dn[j] * n
                    first *= share
                    second *= share
                    scale = scales[b, t, s]
                    for j in range(R):
                        dn[j] = scale * (dn[j] - first - normed[b, t, s, j] * second)
                for j in range(R):
                    boundary[j] += dn[j]
                    dh[j] = zero
                if s > 0:  # the read: its query, and the states that it read
                    for k in range(known):
                        answer = zero
                        for j in range(R):
                            answer += entries[b, k, j] * dn[j]
                        age = newest - known + k
                        score = scores[b, t, s - 1, k]
                        d_factors[age] += score * answer
                        of_query, of_answer = factors[age] * answer, factors[age] * score
                        for j in range(R):
                            dh[j] += of_query * entries[b, k, j]
                            d_entries[k, j] += of_answer * dn[j] + of_query * states[b, t, s - 1, j]
            for j in range(R):
                d_inputs[b, t, j] = boundary[j]
            for i in range(R):
                if boundary[i] != zero:
                    d_i = boundary[i]
                    for j in range(R):
                        dh[j] += d_i * transposed[i, j]
        for j in range(R):
            d_start[b, j] = dh[j]
        for k in range(begun):
            for j in range(R):
                d_past[b, k, j] = d_entries[k, j]
