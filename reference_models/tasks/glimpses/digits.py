"""Made-up digits: ten figures in a few common shapes each, drawn by the hands of `handwriting`. No download.

They stand in for MNIST where there is none, and are easier: nobody's 4 is a 9 here.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reference_models.tasks.handwriting import DRAWERS, Hands, Stroke, draw

Bytes = npt.NDArray[np.uint8]
Points = Sequence[tuple[float, float]]


def _ellipse(x: float, y: float, wide: float, high: float, begin: float = -90, turn: float = 360) -> Points:
    """Points around (x, y), clockwise from `begin` degrees."""
    angles = [math.radians(begin + turn * i / 10) for i in range(11)]
    return [(x + wide * math.cos(a), y + high * math.sin(a)) for a in angles]


def _stroke(points: Points, smooth: bool = True) -> Stroke:
    return Stroke(np.array(points, np.float64), smooth)


def _lines(*points: tuple[float, float]) -> Stroke:
    return _stroke(points, False)


# Places are (x, y) in a square from -1 to 1, y down.
SHAPES: dict[int, tuple[list[Stroke], ...]] = {
    0: ([_stroke(_ellipse(0, 0, 0.6, 1))], [_stroke(_ellipse(0, 0, 0.75, 0.95, -60, 350))]),
    1: ([_lines((0, -1), (0, 1))], [_lines((-0.35, -0.65), (0.05, -1), (0.05, 1))],
        [_lines((-0.3, -0.7), (0, -1), (0, 1)), _lines((-0.4, 1), (0.4, 1))]),
    2: ([_stroke([(-0.6, -0.6), (-0.3, -0.95), (0.3, -0.95), (0.6, -0.5), (0.2, 0.1), (-0.6, 1)]),
         _lines((-0.6, 1), (0.65, 1))],
        [_stroke([(-0.6, -0.6), (0, -1), (0.55, -0.55), (0.1, 0.2), (-0.5, 0.9), (-0.35, 0.65), (0.1, 0.9),
                  (0.7, 0.9)])]),
    3: ([_stroke([(-0.5, -0.85), (0.1, -1), (0.5, -0.6), (0.25, -0.15), (-0.15, -0.05)]),
         _stroke([(-0.15, -0.05), (0.4, 0.1), (0.6, 0.5), (0.2, 0.95), (-0.55, 0.85)])],
        [_lines((-0.5, -1), (0.5, -1), (0, -0.2)),
         _stroke([(0, -0.2), (0.5, 0.1), (0.5, 0.65), (0.05, 1), (-0.55, 0.8)])]),
    4: ([_lines((-0.35, -1), (-0.6, 0.2), (0.65, 0.2)), _lines((0.25, -0.5), (0.25, 1))],
        [_lines((0.3, 1), (0.3, -1), (-0.65, 0.35), (0.65, 0.35))]),
    5: ([_lines((0.6, -1), (-0.4, -1), (-0.5, -0.1)),
         _stroke([(-0.5, -0.1), (0.2, -0.25), (0.6, 0.25), (0.3, 0.85), (-0.2, 1), (-0.6, 0.8)])],
        [_lines((-0.4, -1), (-0.45, -0.1)), _lines((-0.4, -1), (0.55, -0.95)),
         _stroke([(-0.45, -0.1), (0.1, -0.2), (0.55, 0.3), (0.1, 0.95), (-0.55, 0.9)])]),
    6: ([_stroke([(0.4, -0.95), (-0.3, -0.5), (-0.55, 0.3), (-0.2, 0.95), (0.4, 0.8), (0.45, 0.25), (0, 0),
                  (-0.5, 0.35)])],
        [_lines((0.2, -1), (-0.5, 0.4)), _stroke(_ellipse(0, 0.5, 0.5, 0.5, 180, 360))]),
    7: ([_lines((-0.6, -1), (0.6, -1), (-0.1, 1))],
        [_lines((-0.6, -0.95), (0.6, -1), (0, 1)), _lines((-0.25, 0), (0.5, -0.05))]),
    8: ([_stroke(_ellipse(0, -0.5, 0.45, 0.48, 90)), _stroke(_ellipse(0, 0.5, 0.55, 0.5))],
        [_stroke([(0.4, -0.8), (-0.2, -1), (-0.4, -0.5), (0.3, 0.2), (0.45, 0.7), (0, 1), (-0.45, 0.65), (0, 0.05),
                  (0.45, -0.5), (0.35, -0.85)])]),
    9: ([_stroke(_ellipse(0, -0.45, 0.5, 0.5, 0)), _lines((0.5, -0.45), (0.4, 1))],
        [_stroke(_ellipse(-0.05, -0.5, 0.5, 0.48, 0, -350)),
         _stroke([(0.45, -0.5), (0.5, 0.3), (0.1, 0.95), (-0.5, 0.9)])]),
}


def drawn(count: int, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """(images [N, 28, 28] ink, labels [N]) of `count` digits, shuffled; every 20 come from twenty new people."""
    images = np.empty((-(-count // DRAWERS) * DRAWERS, 28, 28), np.uint8)
    labels = np.empty(len(images), np.uint8)
    for start in range(0, len(images), DRAWERS):
        digit = int(rng.integers(10))
        shapes = SHAPES[digit]
        shape = shapes[int(rng.integers(len(shapes)))]
        images[start:start + DRAWERS] = draw(shape, Hands.of_people(rng), rng)
        labels[start:start + DRAWERS] = digit
    kept = rng.permutation(len(images))[:count]
    return images[kept], labels[kept]
