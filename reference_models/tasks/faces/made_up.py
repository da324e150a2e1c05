"""Faces made up on the spot, from a seed: for everyone who does not have Multi-PIE.

The same six expressions and three cameras. What is hard about them is what is hard about people: faces at rest differ,
so that one person's neutral mouth curves as another's faint smile; expressions are strong or faint, and one-sided;
light, noise and the pose change from picture to picture.
"""

from typing import Any

import numpy as np

from refmem.arrays import Array

from reference_models.tasks.faces.drawing import Action, Person, Shot, draw
from reference_models.tasks.faces.expressions import CAMERAS, EXPRESSIONS, SIDE, Faces, FaceSplit, check_split

AT_ONCE = 256  # pictures drawn in one go


def load(seed: int = 0, *, train_people: int = 300, test_people: int = 100, takes: int = 2) -> FaceSplit:
    """People made up from a seed.

    Parameters
    ----------
    seed : int
        At least 0. The same seed gives the same pixels; every person depends on the seed and a number of his own alone.
    train_people, test_people : int
        At least 1 each.
    takes : int
        Pictures of each person with each expression from each camera, at least 1.

    Raises
    ------
    ValueError
        If one of these is too small.
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    for name, count in (("train_people", train_people), ("test_people", test_people), ("takes", takes)):
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
    everyone = train_people + test_people
    split = FaceSplit(pictures(seed, range(train_people), takes),
                      pictures(seed, range(train_people, everyone), takes),
                      f"made-up faces of seed {seed} ({train_people}/{test_people} people)")
    check_split(split)
    return split


def pictures(seed: int, people: range, takes: int) -> Faces:
    """All pictures of these people: person after person, and of each one expression after the other."""
    per_person = len(EXPRESSIONS) * len(CAMERAS) * takes
    expressions = np.repeat(np.arange(len(EXPRESSIONS)), len(CAMERAS) * takes)  # [per_person]
    cameras = np.tile(np.repeat(CAMERAS, takes), len(EXPRESSIONS))  # [per_person]
    drawn: list[Array] = []
    several = max(1, AT_ONCE // per_person)
    for start in range(0, len(people), several):
        parts = []
        for number in people[start:start + several]:
            rng = np.random.default_rng([seed, 48, number])
            person = a_person(rng)
            parts.append((Person(*(np.repeat(trait, per_person) for trait in person)),
                          an_action(expressions, rng), a_shot(cameras, rng)))
        person, action, shot = (_joined(kind) for kind in zip(*parts, strict=True))
        drawn.append(draw(person, action, shot))
    numbers = np.array(people, np.int64)
    return Faces(np.concatenate(drawn), np.tile(expressions, len(numbers)), np.repeat(numbers, per_person),
                 np.tile(cameras, len(numbers)))


def _joined(parts: Any) -> Any:
    """One `Person`, `Action` or `Shot` of several."""
    return type(parts[0])(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def a_person(rng: np.random.Generator) -> Person:
    """Someone at random; each trait is [1]."""
    def u(low: float, high: float) -> Array:
        return rng.uniform(low, high, 1)

    def sometimes(share: float, this: Array, else_that: Array) -> Array:
        return this if rng.random() < share else else_that

    none = np.zeros(1)
    return Person(
        width=u(0.60, 0.76), height=u(0.84, 0.98), jaw=u(2.0, 2.9), skin=u(0.38, 0.85),
        hair=sometimes(0.75, u(0.05, 0.35), u(0.4, 0.75)), hairline=u(-0.80, -0.50), parting=u(-0.25, 0.25),
        eye_height=u(-0.20, -0.06), eye_apart=u(0.26, 0.36), eye_width=u(0.11, 0.16), eye_open=u(0.035, 0.075),
        eye_slant=u(-0.2, 0.2), iris=u(0.08, 0.45), brow_height=u(0.13, 0.22), brow_thick=u(0.018, 0.05),
        brow_tilt=u(-0.2, 0.25), nose_length=u(0.28, 0.40), nose_width=u(0.09, 0.16), mouth_height=u(0.42, 0.54),
        mouth_width=u(0.20, 0.31), lips=u(0.02, 0.06), lip_tone=u(0.1, 0.45), mouth_rest=u(-0.055, 0.055),
        crooked=u(-0.35, 0.35), beard=sometimes(0.2, u(0.3, 1.0), u(0.0, 0.1)),
        moustache=sometimes(0.15, u(0.4, 1.0), none), glasses=sometimes(0.2, none + 1, none), age=u(0.0, 1.0))


# What each expression does, at full strength: the fields of `Action` in order.
#             corners stretch open  lip_up teeth lids  brows frown wrinkle cheeks
STRENGTHS = {
    "neutral":  (0.0,  0.0,   0.0,  0.0,   0.0,  0.0,  0.0,  0.0,  0.0,    0.0),
    "smile":    (1.0,  0.9,   0.25, 0.1,   1.0, -0.25, 0.0,  0.0,  0.0,    0.8),
    "surprise": (-0.1, -0.4,  0.7,  0.0,   0.2,  0.8,  1.0, -0.1,  0.0,    0.0),
    "squint":   (0.1,  0.2,   0.0,  0.1,   0.2, -0.8, -0.2,  0.5,  0.15,   0.5),
    "disgust":  (-0.4, 0.1,   0.15, 1.0,   0.6, -0.6, -0.2,  0.8,  1.0,    0.6),
    "scream":   (-0.1, 0.1,   1.3,  0.2,   0.7, -0.6,  0.1,  0.4,  0.3,    0.5),
}


def an_action(expressions: Array, rng: np.random.Generator) -> Action:
    """What a person's face does in these pictures: an expression in his own strength, and a little of everything."""
    n = len(expressions)
    full = np.array([STRENGTHS[name] for name in EXPRESSIONS])  # [6, 10]
    own = rng.uniform(0.55, 1.1, (len(EXPRESSIONS), 1)) * rng.uniform(0.7, 1.3, full.shape)  # this person's way
    now = rng.uniform(0.6, 1.15, (n, 1))  # more or less of it in this picture
    amounts = (full * own)[expressions] * now + rng.normal(0, 0.09, (n, full.shape[1]))  # [n, 10]
    fields = dict(zip(Action._fields, amounts.T, strict=True))
    fields["teeth"] = np.clip(fields["teeth"], 0, 1)
    return Action(**fields)


def a_shot(cameras: Array, rng: np.random.Generator) -> Shot:
    """How the pictures were taken, from cameras at these angles in degrees."""
    n = len(cameras)

    def about(middle: float, spread: float) -> Array:
        return rng.uniform(middle - spread, middle + spread, n)

    return Shot(turn=np.deg2rad(cameras + rng.normal(0, 2.5, n)), nod=about(0, 0.10), roll=about(0, 0.07),
                shift_x=about(0, 0.05), shift_y=about(0, 0.05), scale=about(1, 0.05), light_x=about(0, 0.75),
                light_y=about(-0.25, 0.35), ambient=about(0.45, 0.20), exposure=about(0, 0.10),
                contrast=about(0.95, 0.25), background=about(0.45, 0.35), noise=about(0.035, 0.025),
                grain=rng.standard_normal((n, SIDE, SIDE), np.float32))
