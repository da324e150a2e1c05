"""Glyphs: an Omniglot made up on the spot, so that one-shot learning needs no download.

Alphabets, characters and people are drawn from a seed. An alphabet has habits: how many strokes, which kinds of
stroke, how often one starts on another. A character is a list of strokes, each a few control points with a curve
through them. Twenty people draw each character, each with a hand of their own (size, slant, position, pen, care),
and never twice alike. As in Omniglot a drawing is 105 x 105 pixels of one bit, reduced to 28 x 28.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from reference_models.tasks.characters import SIZE, Array, Characters, Split, joined, rotated

DRAWERS = 20
CANVAS = 105  # pixels, before the reduction
SAMPLES = 5  # points drawn on the curve from one control point to the next

SMALLEST, LARGEST = 22, 44  # characters of an alphabet
ALIKE = 0.8  # the cosine of the looks of two characters above which an alphabet does not take the second


def load(seed: int = 0, *, train_alphabets: int = 30, test_alphabets: int = 10, rotate_train: bool = True,
         rotate_test: bool = False) -> Split:
    """Characters to learn from and new ones, of different alphabets.

    Parameters
    ----------
    seed : int
        At least 0. The same seed gives the same pixels.
    train_alphabets, test_alphabets : int
        At least 1 each. An alphabet has 22 to 44 characters.
    rotate_train, rotate_test : bool
        Whether turned characters count as further classes.
    """
    if train_alphabets < 1 or test_alphabets < 1:
        raise ValueError(f"at least one alphabet is needed on either side, got {train_alphabets} and "
                         f"{test_alphabets}")
    every = [alphabet(seed, i) for i in range(train_alphabets + test_alphabets)]
    train, test = joined(*every[:train_alphabets]), joined(*every[train_alphabets:])
    return Split(rotated(train) if rotate_train else train, rotated(test) if rotate_test else test,
                 f"glyphs of seed {seed} ({train.classes}/{test.classes})")


def alphabet(seed: int, index: int) -> Characters:
    """One alphabet, all of whose drawings depend on the seed and its index alone."""
    rng = np.random.default_rng([seed, index])
    habits = Habits.of_an_alphabet(rng)
    hands = Hands.of_people(rng)
    size = int(rng.integers(SMALLEST, LARGEST + 1))
    images: list[Array] = []
    looks = np.zeros((0, SIZE * SIZE))  # [characters, 784]
    while len(images) < size:
        strokes = strokes_of_a_character(habits, rng)
        look = look_of(strokes)
        if looks.size and (looks @ look).max() > ALIKE:
            continue
        looks = np.concatenate([looks, look[None]])
        images.append(draw(strokes, hands, rng))
    names = tuple(f"character{i + 1:02d}" for i in range(size))
    return Characters(np.stack(images), (f"Glyphs{index + 1:02d}",) * size, names)


# --- What is drawn ----------------------------------------------------------------------------------------------

# Places are (x, y) in a square from -1 to 1, y down. Strokes run between the points of a lattice, as writing keeps
# to a few heights and widths.

KINDS = ("line", "bend", "corner", "zigzag", "wave", "hook", "ring", "dot")


class Habits(NamedTuple):
    """What the characters of an alphabet have in common."""

    strokes: Array  # [4] how probable one, two, three, four strokes are
    kinds: Array  # [8] how probable each of KINDS is
    lattice: Array  # [9 to 16, 2] where strokes start and end
    attached: float  # how often a stroke starts where another has a point
    upright: float  # how often a stroke runs straight down or across

    @staticmethod
    def of_an_alphabet(rng: np.random.Generator) -> "Habits":
        """Habits at random."""
        across, down = (np.linspace(-1, 1, int(rng.integers(3, 5))) for _ in range(2))
        lattice = np.stack(np.meshgrid(across * rng.uniform(0.6, 1), down), axis=-1).reshape(-1, 2)
        return Habits(rng.dirichlet([0.5, 4.0, 4.0, 2.0]),
                      rng.dirichlet([2.5, 2.0, 2.5, 0.5, 0.7, 1.2, 1.2, 0.3]), lattice,
                      rng.uniform(0.6, 0.95), rng.uniform(0.5, 0.95))


class Stroke(NamedTuple):
    """One movement of the pen."""

    points: Array  # [P, 2] control points
    smooth: bool  # a curve through them, or straight lines


def strokes_of_a_character(habits: Habits, rng: np.random.Generator) -> list[Stroke]:
    """A new character, as large as the square along one side and in its middle."""
    strokes: list[Stroke] = []
    count = 1 + int(rng.choice(4, p=habits.strokes))
    while len(strokes) < count or sum(len(stroke.points) for stroke in strokes) < 5:
        kind = KINDS[int(rng.choice(len(KINDS), p=habits.kinds))]
        start = rng.choice(habits.lattice)
        if strokes and rng.random() < habits.attached:
            start = rng.choice(strokes[int(rng.integers(len(strokes)))].points)
        strokes.append(_stroke(kind, start, habits, rng))

    points = np.concatenate([stroke.points for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    if (high - low).min() < 0.3 * (high - low).max():  # flat: strokes upon strokes
        return strokes_of_a_character(habits, rng)
    largest = (high - low).max() / 2
    return [Stroke((stroke.points - (low + high) / 2) / largest, stroke.smooth) for stroke in strokes]


def _stroke(kind: str, start: Array, habits: Habits, rng: np.random.Generator) -> Stroke:
    """A stroke of this kind from `start` to a point of the lattice."""
    if kind == "dot":
        return Stroke(start + np.array([[0, 0], [0.06, 0.04], [0, 0.05]]), False)
    ends = habits.lattice[np.abs(habits.lattice - start).max(axis=1) > 0.45]  # not too near
    level = np.abs(ends - start).min(axis=1) < 0.05
    if level.any() and rng.random() < habits.upright:
        ends = ends[level]
    end = rng.choice(ends)
    along = end - start
    across = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
    bulge = rng.uniform(0.3, 0.6)

    def path(*steps: tuple[float, float]) -> Array:
        return np.array([start] + [start + a * along + b * across for a, b in steps])

    if kind == "bend":
        return Stroke(path((0.2, 0.75 * bulge), (0.5, bulge), (0.8, 0.75 * bulge), (1, 0)), True)
    if kind == "corner":  # at a right angle to the page where the ends allow it
        corner = np.array([start[0], end[1]] if rng.random() < 0.5 else [end[0], start[1]])
        if np.abs(corner - start).max() < 0.2 or np.abs(corner - end).max() < 0.2:
            corner = path((0.5, bulge))[1]
        return Stroke(np.array([start, corner, end]), False)
    if kind == "zigzag":
        return Stroke(path((0.33, bulge), (0.67, -bulge / 2), (1, bulge / 2)), False)
    if kind == "wave":
        return Stroke(path((0.25, bulge / 2), (0.5, 0), (0.75, -bulge / 2), (1, 0)), True)
    if kind == "hook":
        return Stroke(path((0.65, 0), (0.95, 0.06), (1, 0.25), (0.85, 0.38), (0.65, 0.3)), True)
    if kind == "ring":
        turns = np.linspace(0, 2 * np.pi, 9)[1:]
        return Stroke(path(*[(0.4 * (1 - np.cos(t)), bulge * 0.8 * np.sin(t)) for t in turns]), True)
    return Stroke(np.array([start, end]), False)


# --- How people draw it -----------------------------------------------------------------------------------------


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
    """[784] of unit length: the character as it ought to be, with a pen so broad that small things do not count."""
    curves = [_through(len(stroke.points), stroke.smooth) @ stroke.points for stroke in strokes]
    ink = _rasterised([(CANVAS * (0.5 + 0.35 * curve)).reshape(-1).tolist() for curve in curves], CANVAS // 8)
    look: Array = ink.reshape(-1) / np.linalg.norm(ink)
    return look


def _through(points: int, smooth: bool) -> Array:
    """[S, P] weights of P control points in the S points drawn.

    Smooth is the Catmull-Rom spline: between p1 and p2, with p0 and p3 their neighbours, at 0 <= t <= 1,

        (p0 (-t + 2t^2 - t^3) + p1 (2 - 5t^2 + 3t^3) + p2 (t + 4t^2 - 3t^3) + p3 (t^3 - t^2)) / 2.
    """
    t = np.linspace(0, 1, SAMPLES, endpoint=False)  # [samples]
    if smooth:
        basis = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
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
