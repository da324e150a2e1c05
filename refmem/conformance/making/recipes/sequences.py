"""The operations of sequence models: squashing, embedding, LSTM, attention, cross-entropy, batch normalisation."""

from typing import Any

import numpy as np

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.ops import op


def recipes() -> list[Recipe]:
    """All cases."""
    return [*_squashing(), *_embedding(), *_cell(), *_lstm(), *_attention(), *_cross_entropy(), *_batch_norm()]


def _squashing() -> list[Recipe]:
    draw = Draw(81)
    x = np.array([[-9.0, -2.5, -0.4, 0.0], [0.3, 1.7, 2.6, 9.0]])
    d_y = draw.numbers(2, 4)
    return [
        op("sigmoid", "forward", ("forward",), "1 / (1 + exp(-x))", {"x": x}, ("y",)),
        op("sigmoid", "far-out", ("far-out", "forward"), "exp does not overflow, and small values stay",
           {"x": np.array([[-80.0, -20.0, 20.0, 80.0]])}, ("y",)),
        op("sigmoid", "gradient", ("gradient", "forward", "far-out"), "y (1 - y)", {"x": x, "d_y": d_y}, ("d_x",)),
        op("tanh", "forward", ("forward",), "tanh(x)", {"x": x}, ("y",)),
        op("tanh", "gradient", ("gradient", "forward"), "1 - y^2", {"x": x, "d_y": d_y}, ("d_x",)),
    ]


def _embedding() -> list[Recipe]:
    draw = Draw(82)
    given = {"table": draw.numbers(4, 3), "tokens": [[3, 0, 3], [0, 3, 1]]}
    return [
        op("embedding", "lookup", ("lookup",), "row 0 is a token too", given, ("y",)),
        op("embedding", "repeated-tokens-add-up", ("repeated-tokens-add-up", "lookup"),
           "each occurrence of a token adds to its row's gradient", given | {"d_y": draw.numbers(2, 3, 3)},
           ("d_table",)),
    ]


def _weights(draw: Draw, inputs: int, width: int) -> dict[str, Any]:
    return {"w_x": draw.numbers(inputs, 4 * width), "w_h": draw.numbers(width, 4 * width),
            "bias": draw.numbers(4 * width)}


WEIGHTS = ("d_w_x", "d_w_h", "d_bias")
CELL = ("gates", "cell", "output", "no-forget-bias")


def _cell() -> list[Recipe]:
    draw = Draw(83)
    given = {"x": draw.numbers(2, 3), "state": draw.numbers(2, 2, 2), **_weights(draw, 3, 2)}
    unbiased = given | {"bias": np.zeros(8)}
    return [
        op("lstm_cell", "gates", CELL, "i, f, g, o stand in this order", given, ("y",)),
        op("lstm_cell", "no-forget-bias", CELL, "a bias of 0 is 0", unbiased, ("y",)),
        op("lstm_cell", "gradient", ("gradient", *CELL), "gradients of input, state and weights",
           given | {"d_y": draw.numbers(2, 2, 2)}, ("d_x", "d_state", *WEIGHTS)),
    ]


def _lstm() -> list[Recipe]:
    draw = Draw(84)
    given = {"x": draw.numbers(2, 3, 2), "state": draw.numbers(2, 2, 2), **_weights(draw, 2, 2)}
    mask = {"mask": [[1, 1, 0], [0, 1, 1]]}
    d_y = {"d_y": draw.numbers(2, 3, 2)}
    gradients = ("d_x", "d_state", *WEIGHTS)
    return [
        op("lstm", "in-turn", ("in-turn",), "each step starts from the state of the one before", given, ("y",)),
        op("lstm", "padding-keeps-state", ("padding-keeps-state", "in-turn"),
           "the state waits at padding, wherever it stands, and y repeats it", given | mask, ("y",)),
        op("lstm", "reverse", ("reverse", "in-turn"), "the last token is read first, and y stays in its order", given,
           ("y",), reverse=True),
        op("lstm", "reverse-padded", ("reverse", "padding-keeps-state", "in-turn"),
           "read from its end, a padded sequence begins with padding", given | mask, ("y",), reverse=True),
        op("lstm", "gradient", ("gradient", "in-turn"), "back through time", given | d_y, gradients),
        op("lstm", "padded-gradient", ("gradient", "padding-keeps-state", "in-turn"),
           "the gradient at padding goes to the last token before it", given | mask | d_y, gradients),
    ]


def _attention() -> list[Recipe]:
    draw = Draw(85)
    given = {"queries": draw.numbers(2, 2, 2, scale=2.0), "annotations": draw.numbers(2, 3, 2, scale=2.0),
             "w_query": draw.numbers(2, 3), "w_source": draw.numbers(2, 3), "v": draw.numbers(3, scale=2.0)}
    mask = {"mask": [[1, 1, 0], [0, 1, 1]]}
    plain = ("scores", "context")
    return [
        op("additive_attention", "scores", plain, "v^T tanh(W_1 y + W_2 x)", given, ("context",)),
        op("additive_attention", "padding", ("padding", *plain), "padding is left out of the softmax", given | mask,
           ("context",)),
        op("additive_attention", "gradient", ("gradient", "padding", *plain),
           "through the weights and through what they weigh", given | mask | {"d_context": draw.numbers(2, 2, 2)},
           ("d_queries", "d_annotations", "d_w_query", "d_w_source", "d_v")),
    ]


def _cross_entropy() -> list[Recipe]:
    draw = Draw(86)
    given = {"logits": draw.numbers(3, 4, scale=2.0), "labels": [2, 0, 3]}
    padded = {"logits": given["logits"], "labels": [2, -1, 3], "mask": [1, 0, 1]}
    d_loss = {"d_loss": draw.numbers(3)}
    name = "masked_cross_entropy"
    return [
        op(name, "forward", ("forward",), "as softmax_cross_entropy, where all is true", given, ("loss",)),
        op(name, "padding", ("padding", "forward"), "0 at padding, whatever its label", padded, ("loss",)),
        op(name, "smoothing", ("smoothing", "forward"), "eps is shared among all classes", given, ("loss",),
           smoothing=0.2),
        op(name, "gradient", ("gradient", "padding", "smoothing", "forward"), "softmax less q, and 0 at padding",
           padded | d_loss, ("d_logits",), smoothing=0.2),
    ]


def _batch_norm() -> list[Recipe]:
    draw = Draw(87)
    given = {"x": draw.numbers(4, 2, scale=0.1), "gain": draw.numbers(2), "bias": draw.numbers(2)}
    statistics = {"mean": draw.numbers(2), "variance": 1.5 + draw.numbers(2)}
    d_y = {"d_y": draw.numbers(4, 2)}
    gradients = ("d_x", "d_gain", "d_bias")
    return [
        op("batch_norm", "forward", ("forward",), "mean and variance of the batch, eps under the root", given, ("y",)),
        op("batch_norm", "given-statistics", ("given-statistics", "forward"), "running averages in their place",
           given | statistics, ("y",)),
        op("batch_norm", "gradient", ("gradient", "forward"), "through mean and variance too", given | d_y, gradients),
        op("batch_norm", "given-statistics-gradient", ("given-statistics", "gradient", "forward"),
           "what is given is a constant", given | statistics | d_y, gradients),
    ]
