"""Layer norm, the reads of the fast weights, and the recurrence."""

from typing import Any

import numpy as np

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.ops import op


def recipes() -> list[Recipe]:
    """All cases."""
    return [*_layer_norm(), *_attention(), *_matrix(), *_rnn()]


def _layer_norm() -> list[Recipe]:
    draw = Draw(71)
    given = {"x": draw.numbers(3, 4, scale=2.0), "gain": draw.numbers(4) + 1.5, "bias": draw.numbers(4)}
    plain = ("forward", "over-features", "eps")
    return [
        op("layer_norm", "forward", plain, "mean and variance of a row, then gain and bias", given, ("y",)),
        op("layer_norm", "over-features", ("over-features", "forward", "eps"),
           "rows of different size do not touch each other",
           given | {"x": draw.numbers(3, 4) * [[1.0], [20.0], [0.1]]}, ("y",)),
        op("layer_norm", "eps", ("eps", "forward", "over-features"), "eps stands under the root", given, ("y",),
           eps=0.25),
        op("layer_norm", "gradient", ("gradient", *plain), "gradients of the rows, the gain and the bias",
           given | {"d_y": draw.numbers(3, 4)}, ("d_x", "d_gain", "d_bias"), eps=0.01),
    ]


def _reading(draw: Draw) -> dict[str, Any]:
    return {"query": draw.numbers(2, 3), "past": draw.numbers(2, 4, 3), "decay": np.array(0.8),
            "rate": np.array(0.4)}


def _attention() -> list[Recipe]:
    draw = Draw(72)
    given, plain = _reading(draw), ("forward", "scores", "decay")
    return [
        op("fast_weights_attention", "forward", plain, "eta times the sum of the weighed states", given, ("y",)),
        op("fast_weights_attention", "scores", ("scores", "forward", "decay"),
           "weights are scalar products, of either sign and any size",
           given | {"query": 3 * draw.numbers(2, 3)}, ("y",)),
        op("fast_weights_attention", "decay", ("decay", "forward", "scores"),
           "the latest state counts 1, the one before lambda", given | {"decay": np.array(0.5)}, ("y",)),
        op("fast_weights_attention", "gradient", ("gradient", *plain),
           "gradients of the query, the states, lambda and eta", given | {"d_y": draw.numbers(2, 3)},
           ("d_query", "d_past", "d_decay", "d_rate")),
    ]


def _matrix() -> list[Recipe]:
    draw = Draw(73)
    given, plain = _reading(draw), ("forward", "learning")
    return [
        op("fast_weights_matrix", "forward", plain, "A(t) q, with the latest state in A", given, ("y",)),
        op("fast_weights_matrix", "learning", ("learning", "forward"), "lambda A + eta h h^T, state after state",
           given | {"decay": np.array(0.5)}, ("y",)),
        op("fast_weights_matrix", "gradient", ("gradient", *plain),
           "gradients of the query, the states, lambda and eta", given | {"d_y": draw.numbers(2, 3)},
           ("d_query", "d_past", "d_decay", "d_rate")),
    ]


def _rnn() -> list[Recipe]:
    draw = Draw(74)
    plain = ("boundary", "start", "no-lag", "inner-loop", "stored")
    # Most units are above their kink, and none is near it.
    given = {"inputs": draw.numbers(2, 3, 3) + 0.4, "recurrent": draw.numbers(3, 3, scale=0.6),
             "start": draw.numbers(2, 3) / 2 + 0.5, "past": draw.numbers(2, 1, 3) / 2 + 0.5, "decay": np.array(0.9),
             "rate": np.array(0.5), "gain": draw.numbers(1, 3) / 4 + 1, "bias": draw.numbers(1, 3) / 4 + 1}
    without = {"gain": np.zeros((0, 3)), "bias": np.zeros((0, 3)), "rate": np.array(0.1)}
    everything = ("d_inputs", "d_recurrent", "d_start", "d_past", "d_decay", "d_rate")

    def first(rule: str) -> tuple[str, ...]:
        return rule, *(other for other in plain if other != rule)

    d_y = {"d_y": draw.numbers(2, 3, 3)}
    return [
        op("fast_weights_rnn", "boundary", first("boundary"), "W h + C x is held while the state settles", given,
           ("y",), steps=2, norm="features"),
        op("fast_weights_rnn", "start", first("start"), "h_0 = f(W h + C x), not normalised", given, ("y",), steps=1,
           norm="features"),
        op("fast_weights_rnn", "no-lag", first("no-lag"), "a step reads the state of the step before it", given,
           ("y",), steps=1, norm="features"),
        op("fast_weights_rnn", "inner-loop", first("inner-loop"), "three iterations, each with its norm", given,
           ("y",), steps=3, norm="features"),
        op("fast_weights_rnn", "stored", first("stored"), "what is stored is the settled state", given, ("y",),
           steps=2, norm="features"),
        op("fast_weights_rnn", "without-norm", first("inner-loop"), "eq. (2): no layer norm", given | without, ("y",),
           steps=1, norm="none"),
        op("fast_weights_rnn", "gradient", ("gradient", *plain), "through time, two iterations and all reads",
           given | d_y, (*everything, "d_gain", "d_bias"), steps=2, norm="features"),
        op("fast_weights_rnn", "gradient-without-norm", ("gradient", *plain), "the same for eq. (2)",
           given | without | d_y, everything, steps=1, norm="none"),
    ]
