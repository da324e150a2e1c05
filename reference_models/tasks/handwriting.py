"""Handwriting: how people draw strokes, each with a hand of their own, and never twice alike.

A stroke is a few control points and a curve through them. A person moves the points (carelessness), bends the
curve, and puts the whole onto the canvas in a size, slant, turn and place. As in Omniglot the canvas has 105
x 105 pixels, and the drawing is reduced to 28 x 28.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from refmem.arrays import Array

DRAWERS = 20
SIZE = 28  # pixels of a drawing: LTRRE's Omniglot, and MNIST
CANVAS = 105  # pixels, before the reduction
SAMPLES = 5  # points drawn on the curve from one control point to the next


class Stroke(NamedTuple):
    """One movement of the pen."""

    points: Array  # [P, 2] control points
    smooth: bool  # a curve through them, or straight lines


class Hands(NamedTuple):
    """How each of the people draws; fields [drawers] unless said otherwise."""

    size: Array  # half the height of a character, pixels of the canvas
    wide: Array  # width over height
    slant: Array
    turn: Array  # radians
    place: Array  # [drawers, 2] pixels from the middle
    carelessness: Array  # by how much a point misses its place
    pen: Array  # pixels

    @staticmethod
    def of_people(rng: np.random.Generator) -> "Hands":
        """Twenty people at random."""
        return Hands(rng.uniform(22, 40, DRAWERS), np.exp(rng.normal(0, 0.12, DRAWERS)),
                     rng.normal(0, 0.12, DRAWERS), rng.normal(0, 0.06, DRAWERS),
                     rng.normal(0, 4, (DRAWERS, 2)), rng.uniform(0.04, 0.11, DRAWERS),
                     rng.integers(5, 7, DRAWERS))

    def maps(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """From the square to the canvas, once for each: matrices [drawers, 2, 2] and shifts [drawers, 2]."""
        size = self.size * np.exp(rng.normal(0, 0.08, DRAWERS))
        wide = np.sqrt(self.wide * np.exp(rng.normal(0, 0.08, DRAWERS)))
        slant = self.slant + rng.normal(0, 0.06, DRAWERS)
        turn = self.turn + rng.normal(0, 0.05, DRAWERS)
        cos, sin = np.cos(turn) * size, np.sin(turn) * size
        # rotation @ [[wide, slant], [0, 1 / wide]]
        maps = np.stack([np.stack([cos * wide, cos * slant - sin / wide], axis=1),
                         np.stack([sin * wide, sin * slant + cos / wide], axis=1)], axis=1)
        return maps, (CANVAS - 1) / 2 + self.place + rng.normal(0, 3, (DRAWERS, 2))


def draw(strokes: list[Stroke], hands: Hands, rng: np.random.Generator) -> Array:
    """A character by everybody: ink [drawers, 28, 28] uint8."""
    maps, shifts = hands.maps(rng)
    waves, phases = rng.normal(0, 1.3, (DRAWERS, 2, 2)), rng.uniform(0, 2 * np.pi, (DRAWERS, 1, 2))
    lines = []
    for stroke in strokes:
        wrong = hands.carelessness[:, None, None]
        points = stroke.points + wrong * rng.normal(0, 1, (DRAWERS, len(stroke.points), 2))
        points = points + wrong * rng.normal(0, 1, (DRAWERS, 1, 2))  # [drawers, P, 2]
        curve = _through(len(stroke.points), stroke.smooth) @ points  # [drawers, S, 2]
        curve = curve + wrong * np.sin(curve @ waves + phases)  # bent by an unsteady hand
        on_canvas = curve @ maps.transpose(0, 2, 1) + shifts[:, None]  # [drawers, S, 2]
        lines.append(on_canvas.reshape(DRAWERS, -1).tolist())
    return np.stack([_rasterised([line[i] for line in lines], int(hands.pen[i])) for i in range(DRAWERS)])


def look_of(strokes: list[Stroke]) -> Array:
    """[784] of unit length: the character as it ought to be, with a pen too broad for details."""
    curves = [_through(len(stroke.points), stroke.smooth) @ stroke.points for stroke in strokes]
    lines = [(CANVAS * (0.5 + 0.35 * curve)).reshape(-1).tolist() for curve in curves]
    ink = _rasterised(lines, CANVAS // 8).reshape(-1)
    look: Array = ink / np.linalg.norm(ink)
    return look


def _through(points: int, smooth: bool) -> Array:
    """[S, P] weights of P control points in the S points drawn.

    Smooth is the Catmull-Rom spline: between p1 and p2, with p0 and p3 their neighbours, at 0 <= t <= 1,

        (p0 (-t + 2t^2 - t^3) + p1 (2 - 5t^2 + 3t^3) + p2 (t + 4t^2 - 3t^3) + p3 (t^3 - t^2)) / 2.
    """
    t = np.linspace(0, 1, SAMPLES, endpoint=False)  # [samples]
    if smooth:
        basis = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3,
                          t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
    else:
        basis = np.stack([0 * t, 1 - t, t, 0 * t])
    weights = np.zeros((SAMPLES * (points - 1) + 1, points))
    for segment in range(points - 1):
        rows = slice(SAMPLES * segment, SAMPLES * (segment + 1))
        for neighbour, weight in enumerate(basis):
            weights[rows, min(max(segment - 1 + neighbour, 0), points - 1)] += weight
    weights[-1, -1] = 1
    return weights


def _rasterised(lines: list[list[float]], pen: int) -> Array:
    """[28, 28] uint8 of lines [x, y, x, y, ...] on the canvas, round where they start, turn and end."""
    canvas = Image.new("L", (CANVAS, CANVAS))
    pencil = ImageDraw.Draw(canvas)
    radius = (pen - 1) / 2
    for line in lines:
        pencil.line(line, fill=255, width=pen)
        for x, y in zip(line[:: 2 * SAMPLES], line[1:: 2 * SAMPLES], strict=True):
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
