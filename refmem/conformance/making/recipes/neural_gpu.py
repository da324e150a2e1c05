"""The operations of the Neural GPU: gate, cell, steps, tape."""

from typing import Any

import numpy as np

from refmem.conformance.making.recipe import Draw, Recipe
from refmem.conformance.making.recipes.ops import op

CELL = ("gate_kernels", "gate_bias", "candidate_kernels", "candidate_bias")


def recipes() -> list[Recipe]:
    """All cases."""
    return [*_gate(), *_cell(), *_steps(), *_tape()]


def _gate() -> list[Recipe]:
    draw = Draw(61)
    x = np.array([[-9.0, -2.5, -2.0, -0.4, 0.0], [0.3, 1.7, 2.1, 2.6, 9.0]])
    return [
        op("hard_gate", "cutoff", ("cutoff",), "1.1 sigma(x) - 0.1, never below 0", {"x": x}, ("y",)),
        op("hard_gate", "cutoff-released", ("cutoff",), "1.2 sigma(x) - 0.1, cut at 0 and at 1", {"x": x}, ("y",),
           cutoff="released"),
        op("hard_gate", "gradient", ("gradient", "cutoff"), "nothing passes where the gate is cut",
           {"x": x, "d_y": draw.numbers(2, 5)}, ("d_x",)),
        op("hard_gate", "gradient-released", ("gradient", "cutoff"), "nor where it is cut at 1",
           {"x": x, "d_y": draw.numbers(2, 5)}, ("d_x",), cutoff="released"),
    ]


def _weights(draw: Draw, m: int, *stacked: int) -> dict[str, Any]:
    shapes = (3, 3, m, 2 * m), (2 * m,), (3, 3, m, m), (m,)
    scales = 0.6, 1.0, 0.6, 0.3
    return {name: draw.numbers(*stacked, *shape, scale=scale)
            for name, shape, scale in zip(CELL, shapes, scales, strict=True)}


def _cell() -> list[Recipe]:
    draw = Draw(62)
    s, drive, weights = draw.numbers(1, 3, 2, 2, scale=1.5), draw.numbers(1, 3, 2, 6), _weights(draw, 2)
    plain = ("gates", "reset-before-convolution", "candidate", "mix")
    gradients = ("d_s", *(f"d_{name}" for name in CELL))
    return [
        op("cgru", "gates", plain, "u from the first m maps, r from the others", {"s": s} | weights, ("y",)),
        op("cgru", "gates-released", plain, "gates that are cut at 1 too", {"s": 3 * s} | weights, ("y",),
           cutoff="released"),
        op("cgru", "drive", ("drive", *plain), "what the tape adds enters the gates and the candidate",
           {"s": s, "drive": drive} | weights, ("y",)),
        op("cgru", "gradient", ("gradient", *plain), "gradients of the image and of all weights",
           {"s": s, "d_y": draw.numbers(1, 3, 2, 2)} | weights, gradients),
        op("cgru", "drive-gradient", ("gradient", "drive", *plain), "gradient of the drive: of the sums themselves",
           {"s": s, "drive": drive, "d_y": draw.numbers(1, 3, 2, 2)} | weights, (*gradients, "d_drive")),
    ]


def _steps() -> list[Recipe]:
    draw = Draw(63)
    s, weights, sets = draw.numbers(1, 2, 2, 1, scale=1.5), _weights(draw, 1, 1, 2), _weights(draw, 1, 2, 1)
    uniforms = (draw.numbers(3, 1, 2, 2, 1) + 1) / 2
    gradients = ("d_s", *(f"d_{name}" for name in CELL))
    return [
        op("cgru_steps", "layers-in-turn", ("layers-in-turn",), "both layers in every step",
           {"s": s} | weights, ("y",), steps=3),
        op("cgru_steps", "relaxation", ("relaxation", "layers-in-turn"), "step t uses the set t mod 2",
           {"s": s} | sets, ("y",), steps=5),
        op("cgru_steps", "dropout", ("dropout", "layers-in-turn"), "a mask of its own at the start of every step",
           {"s": s, "uniforms": uniforms} | weights, ("y",), steps=3, keep=0.7),
        op("cgru_steps", "gradient", ("gradient", "layers-in-turn"), "every use of a weight adds to its gradient",
           {"s": s, "d_y": draw.numbers(1, 2, 2, 1)} | weights, gradients, steps=3),
        op("cgru_steps", "relaxation-gradient", ("gradient", "relaxation", "layers-in-turn"),
           "each set has the gradient of its own steps", {"s": s, "d_y": draw.numbers(1, 2, 2, 1)} | sets, gradients,
           steps=3),
    ]


def _tape() -> list[Recipe]:
    draw = Draw(64)
    p, values = draw.numbers(2, 4, 3, 2), draw.numbers(2, 2)
    s = draw.numbers(2, 4, 4, 2)
    return [
        op("tape_write", "position", ("position", "rows"), "position 2 is replaced, in row 0",
           {"p": p, "v": values}, ("y",), position=2),
        op("tape_write", "rows", ("rows", "position"), "or in all rows", {"p": p, "v": values}, ("y",),
           position=1, rows="all"),
        op("tape_write", "gradient", ("gradient", "position", "rows"), "what was overwritten has no gradient",
           {"p": p, "v": values, "d_y": draw.numbers(2, 4, 3, 2)}, ("d_p", "d_v"), position=1, rows="all"),
        op("tape_read", "position-then-row", ("position-then-row",), "row 0 of a position, not position 0 of a row",
           {"s": s}, ("y",), position=2),
        op("tape_read", "gradient", ("gradient", "position-then-row"), "the gradient goes where the query was taken",
           {"s": s, "d_y": draw.numbers(2, 2)}, ("d_s",), position=3),
    ]
