"""Faces: six expressions of many people, from three cameras; what every such data set here is.        (FW §4.3)

FW learns expressions on Multi-PIE, which is not free: faces of 48 x 48 grey pixels, from cameras at -15, 0 and 15
degrees, 317 people to learn from and 20 others to be tested on. Those who have it load their folder (`multi_pie`). For
everyone else there are people made up on the spot (`made_up`).
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array

SIDE = 48
"""Height and width of a picture in pixels."""

EXPRESSIONS = ("neutral", "smile", "surprise", "squint", "disgust", "scream")
CAMERAS = (-15, 0, 15)
"""Degrees."""


class Faces(NamedTuple):
    """Pictures of some people."""

    images: Array  # [n, 48, 48] uint8
    expressions: Array  # [n] int64, places in EXPRESSIONS
    people: Array  # [n] int64
    cameras: Array  # [n] int64, degrees


class FaceSplit(NamedTuple):
    """Faces to learn from and faces of other people to be tested on."""

    train: Faces
    test: Faces
    name: str


def check_split(split: FaceSplit) -> None:
    """Raise a `ValueError` where a person is on both sides, or a side is empty."""
    for side, faces in (("train", split.train), ("test", split.test)):
        if not len(faces.images):
            raise ValueError(f"there are no faces to {side} on")
    both = np.intersect1d(split.train.people, split.test.people)
    if len(both):
        raise ValueError(f"person {both[0]} is among the faces to learn from and among those to be tested on; "
                         f"people must be on one side ({len(both)} are on both)")


def as_pixels(images: Array) -> Array:
    """[n, 48, 48] uint8 as float32 numbers: each picture less its mean, by its standard deviation."""
    pixels = images.astype(np.float32)
    pixels -= pixels.mean(axis=(1, 2), keepdims=True)
    pixels /= np.maximum(pixels.std(axis=(1, 2), keepdims=True), np.float32(1))
    return pixels
