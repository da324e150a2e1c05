"""Every operation, at normal numbers of small shapes."""

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from refmem import ops
from refmem.arrays import ArrayModule
from refmem.gradcheck.ops import Operation, from_op
from refmem.gradcheck.problem import Problem
from refmem.ops.fast_weights_choices import FW2016

Make: TypeAlias = Callable[[npt.DTypeLike, ArrayModule], Problem]


def _op(module: str, shapes: Sequence[tuple[int, ...]], names: tuple[str, ...], scale: float = 1.0,
        **options: Any) -> Make:
    """An operation of `refmem.ops` at normal numbers of these shapes."""

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
        rng = np.random.default_rng(0)
        arguments = [np.asarray(scale * rng.standard_normal(shape), dtype) for shape in shapes]
        operation: Operation = importlib.import_module(f"{ops.__name__}.{module}")
        drawn = {key: value() if callable(value) else value for key, value in options.items()}
        return from_op(operation, *arguments, names=names, xp=xp, **drawn)

    return make


def _cross_entropy(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    labels = np.array([0, 4, 2, 2])
    return _op("softmax_cross_entropy", [(4, 5)], ("logits",), after=lambda: (xp.asarray(labels),))(dtype, xp)


def _fast_weights_rnn(module: str) -> Make:
    """A stretch of a sequence that has a past; most units are above their kink."""
    batch, length, past, units = 2, 3, 2, 4
    about = {"inputs": (0, 1, (batch, length, units)), "recurrent": (0, 1, (units, units)),
             "start": (0, 1, (batch, units)), "past": (0, 1, (batch, past, units)), "decay": (0.9, 0.1, ()),
             "rate": (0.5, 0.1, ()), "gain": (1, 1, (FW2016.norms, units)), "bias": (2, 1, (FW2016.norms, units))}

    def make(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
        rng = np.random.default_rng(1)
        arguments = [np.asarray(mean + spread * rng.standard_normal(shape), dtype)
                     for mean, spread, shape in about.values()]
        return from_op(importlib.import_module(f"{ops.__name__}.{module}"), *arguments, names=tuple(about), xp=xp)

    return make


READ = ([(3, 5), (3, 4, 5), (), ()], ("query", "past", "decay", "rate"))


def _masked_cross_entropy(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    labels, mask = np.array([0, 4, 2, -1]), np.array([True, True, True, False])
    return _op("masked_cross_entropy", [(4, 5)], ("logits",), smoothing=0.1,
               after=lambda: (xp.asarray(labels), xp.asarray(mask)))(dtype, xp)


def _embedding(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    tokens = np.array([[3, 0, 3], [2, 3, 0]])
    return _op("embedding", [(4, 5)], ("table",), after=lambda: (xp.asarray(tokens),))(dtype, xp)


def _lstm(module: str, dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    mask = np.array([[True, True, True, True], [False, True, True, False]])  # padding on both sides
    return _op(module, [(2, 4, 3), *LSTM], ("x", "state", "w_x", "w_h", "bias"), 0.5,
               after=lambda: (xp.asarray(mask),))(dtype, xp)


def _attention(module: str, dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    mask = np.array([[True, True, True, False], [False, True, True, True]])
    return _op(module, [(2, 3, 4), (2, 4, 3), (4, 5), (3, 5), (5,)],
               ("queries", "annotations", "w_query", "w_source", "v"), after=lambda: (xp.asarray(mask),))(dtype, xp)


def _actor_critic(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    actions = np.array([0, 2, 1, 1])
    return _op("actor_critic", [(4, 3), (4,), (4,), (4,)], ("logits", "values", "advantages", "returns"),
               entropy_weight=0.3, after=lambda: (xp.asarray(actions),))(dtype, xp)


def _associative_lstm(dtype: npt.DTypeLike, xp: ArrayModule) -> Problem:
    shuffles = np.array([[0, 1], [1, 0]])
    return _op("associative_lstm", [(2, 2, 2), (2, 18), (4, 18), (18,)], ("x", "w_x", "w_h", "bias"), 1.5, heads=1,
               after=lambda: (xp.asarray(shuffles),))(dtype, xp)


LSTM = [(2, 2, 4), (3, 16), (4, 16), (16,)]
CELL = ((3, 3, 2, 4), (4,), (3, 3, 2, 2), (2,))  # of a CGRU with two maps
CELLS = tuple((2, 2, *shape) for shape in CELL)  # two sets of two layers
CELL_NAMES = ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")
CONVOLUTION = ([(2, 5, 4, 3), (3, 3, 3, 2), (2,)], ("x", "kernels", "bias"))

OPS: dict[str, Make] = {
    "actor_critic": _actor_critic,
    "associative_lstm": _associative_lstm,
    "conv2d": _op("conv2d", *CONVOLUTION),
    "conv2d_im2col": _op("conv2d_im2col", *CONVOLUTION),
    "conv2d_columns": _op("conv2d_columns", *CONVOLUTION),
    "conv2d_winograd": _op("conv2d_winograd", *CONVOLUTION),
    "conv2d_relu": _op("conv2d_relu", [(2, 5, 4, 1), (3, 3, 1, 2), (2,)], ("x", "kernels", "bias")),
    "hard_gate": _op("hard_gate", [(4, 6)], ("x",)),
    "cgru": _op("cgru", [(2, 4, 3, 2), *CELL, (2, 4, 3, 6)], ("s", *CELL_NAMES, "drive"), 0.25),
    "cgru_steps": _op("cgru_steps", [(2, 4, 3, 2), *CELLS], ("s", *CELL_NAMES), 0.15, steps=4, keep=0.8, segment=3,
                      rng=lambda: np.random.default_rng(1)),
    "cgru_winograd": _op("cgru_steps", [(2, 5, 4, 2), *CELLS], ("s", *CELL_NAMES), 0.1, steps=4, conv="winograd"),
    "tape_write": _op("tape_write", [(2, 4, 3, 2), (2, 2)], ("p", "v"), position=1, rows="all"),
    "tape_read": _op("tape_read", [(2, 4, 3, 2)], ("s",), position=2),
    "dropout": _op("dropout", [(4, 6)], ("x",), keep=0.7, rng=lambda: np.random.default_rng(1)),
    "fast_weights_attention": _op("fast_weights_attention", *READ),
    "fast_weights_matrix": _op("fast_weights_matrix", *READ),
    "fast_weights_rnn": _fast_weights_rnn("fast_weights_rnn"),
    "fast_weights_rnn_compiled": _fast_weights_rnn("fast_weights_rnn_compiled"),
    "embedding": _embedding,
    "sigmoid": _op("sigmoid", [(4, 6)], ("x",)),
    "tanh": _op("tanh", [(4, 6)], ("x",)),
    "lstm_cell": _op("lstm_cell", [(2, 3), *LSTM], ("x", "state", "w_x", "w_h", "bias"), 0.5),
    "lstm": functools.partial(_lstm, "lstm"),
    "lstm_fused": functools.partial(_lstm, "lstm_fused"),
    "additive_attention": functools.partial(_attention, "additive_attention"),
    "additive_attention_fused": functools.partial(_attention, "additive_attention_fused"),
    "batch_norm": _op("batch_norm", [(5, 3), (3,), (3,)], ("x", "gain", "bias")),
    "masked_cross_entropy": _masked_cross_entropy,
    "l2_normalize": _op("l2_normalize", [(4, 6)], ("x",)),
    "layer_norm": _op("layer_norm", [(4, 6), (6,), (6,)], ("x", "gain", "bias")),
    "linear": _op("linear", [(4, 5), (5, 3), (3,)], ("x", "weights", "bias")),
    "max_pool2d": _op("max_pool2d", [(2, 5, 4, 3)], ("x",)),
    "relu": _op("relu", [(4, 6)], ("x",)),
    "softmax": _op("softmax", [(4, 6)], ("x",)),
    "softmax_cross_entropy": _cross_entropy,
}

CPU_ONLY = frozenset({"additive_attention_fused", "cgru_winograd", "conv2d_im2col", "conv2d_relu",
                      "conv2d_winograd", "fast_weights_rnn_compiled", "lstm_fused"})
"""The twins that are compiled for the host."""
