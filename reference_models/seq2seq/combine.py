"""What the next token is made of: the top of the decoder, and beside it what the memory said.

    z = [h; s_1 E(v)] W + b            "an additional linear layer"            (LTRRE §2.1; s_1 E(v) in `read`)

A network without a memory has z = h W + b. Where the memory's answer is not to be used, zeros stand in its place.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array, module_of
from refmem.memory.memory import MemoryOutput
from refmem.ops import linear

from reference_models.parallel import sliced_linear
from reference_models.seq2seq import read as seq2seq_read
from reference_models.seq2seq.layers import Gradients, Params


class Cache(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    width: int  # H
    top_scale: Array | None  # [N, H] dropout
    read: seq2seq_read.Cache | None  # None where no value reaches the output
    linear: linear.Cache


class Way(NamedTuple):
    """Where the gradient of z goes."""

    top: Array  # [N, H]
    confidence: Array | None  # [N, k], None where no value reaches the output
    table: Array | None  # [V, E] of the target embedding


def forward(params: Params, top: Array, top_scale: Array | None, answer: MemoryOutput | None, labels: Array,
            step: Array, *, read: bool, gold: float, rng: np.random.Generator | None,
            slices: int) -> tuple[Array, Cache]:
    """z of N positions.

    Parameters
    ----------
    params : "combine.weights" [H + E, E], or [H, E] without a memory; "combine.bias" [E], "target.embedding" [V, E]
    top : [N, H]
    top_scale : [N, H] or None
        What it is multiplied by: dropout.
    answer : MemoryOutput or None
        None without a memory.
    labels, step, gold, rng
        As in `read.forward`.
    read : bool
        False: zeros in the place of the answer.
    slices : int
        As in `sliced_linear`.

    Returns
    -------
    z : [N, E]
    cache : Cache
    """
    xp, width, of_read = module_of(top), top.shape[1], None
    if top_scale is not None:
        top = top * top_scale
    if answer is not None:
        vector = xp.zeros((len(top), params["target.embedding"].shape[1]), dtype=top.dtype)
        if read:
            vector, of_read = seq2seq_read.forward(params["target.embedding"], answer, labels, step, gold=gold, rng=rng)
        top = xp.concatenate([top, vector], axis=1)  # [N, H + E]
    z, of_linear = sliced_linear.forward(top, params["combine.weights"], params["combine.bias"], slices)
    return z, Cache(width, top_scale, of_read, of_linear)


def backward(dz: Array, cache: Cache, slices: int) -> tuple[Gradients, Way]:
    """The gradients of weights and bias, and of what z was made of."""
    d_joined, d_weights, d_bias = sliced_linear.backward(dz, cache.linear, slices)
    d_confidence = d_table = None
    if cache.read is not None:
        d_confidence, d_table = seq2seq_read.backward(d_joined[:, cache.width:], cache.read)
    d_top = d_joined[:, :cache.width]
    if cache.top_scale is not None:
        d_top = d_top * cache.top_scale
    return {"combine.weights": d_weights, "combine.bias": d_bias}, Way(d_top, d_confidence, d_table)
