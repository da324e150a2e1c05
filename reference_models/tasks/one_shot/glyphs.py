"""Glyphs: an Omniglot made up on the spot, so that one-shot learning needs no download.

Alphabets and their characters are drawn from a seed. An alphabet has habits: how many strokes, which kinds of
stroke, how often one starts on another. A character is a list of strokes. Twenty people draw it
(`handwriting`).
"""

from typing import NamedTuple

import numpy as np

from reference_models.tasks.handwriting import Hands, Stroke, draw, look_of
from reference_models.tasks.one_shot.characters import SIZE, Array, Characters, Split, joined, rotated

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

    Raises
    ------
    ValueError
        If the seed or a number of alphabets is too small.
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
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


# --- What is drawn ------------------------------------------------------------------------------------------

# Places are (x, y) in a square from -1 to 1, y down. Strokes run between the points of a lattice, as writing
# keeps to a few heights and widths.

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
