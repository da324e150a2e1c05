"""Characters: what every one-shot data set here is, and what is taken from one.

Classes of drawings of one character each, one drawing a drawer. A drawing has one stable number, its source,

    source = class * drawers + drawer,

which the memory stores beside each key, so that an answer leads back to the drawings it rests on.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

SIZE = 28
"""Height and width of a drawing in pixels (LTRRE §4, after Vinyals et al.)."""

Scale: TypeAlias = Literal["ink", "released"]
"""How ink becomes a number.

`ink`: strokes 1, background 0, that is (255 - p) / 255 for a scanned pixel p.
`released`: the pixels p themselves, 0 to 255 with a white background of 255, as the released code feeds them.
"""


@dataclass(frozen=True, eq=False)
class Characters:
    """Drawings of characters, all classes with the same number of drawings.

    Raises
    ------
    ValueError, TypeError
        If the images are not [classes, drawers, 28, 28] of uint8, or the texts not one a class.
    """

    images: Array  # [classes, drawers, 28, 28] uint8, ink: 255 a stroke, 0 the background
    alphabets: tuple[str, ...]  # [classes] the alphabet that each belongs to
    names: tuple[str, ...]  # [classes] what each is called within its alphabet

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[2:] != (SIZE, SIZE):
            raise ValueError(f"images must be [classes, drawers, {SIZE}, {SIZE}], "
                             f"got shape {self.images.shape}")
        if self.images.dtype != np.uint8:
            raise TypeError(f"images must be uint8, got {self.images.dtype}")
        for name, texts in (("alphabets", self.alphabets), ("names", self.names)):
            if len(texts) != self.classes:
                raise ValueError(f"{name} must have one text for each of {self.classes} classes, "
                                 f"got {len(texts)}")

    @property
    def classes(self) -> int:
        """How many different characters there are."""
        return int(self.images.shape[0])

    @property
    def drawers(self) -> int:
        """How many drawings there are of each."""
        return int(self.images.shape[1])

    def sources(self, classes: Array, drawers: Array) -> Array:
        """The numbers of drawings: class * drawers + drawer, int64."""
        return np.asarray(classes, np.int64) * self.drawers + drawers

    def drawings(self, sources: Array) -> tuple[Array, Array]:
        """The way back: (class, drawer) of each source.

        Raises
        ------
        ValueError
            If a number is not that of a drawing here.
        """
        sources = np.asarray(sources)
        if sources.size and not (0 <= sources.min() and sources.max() < self.classes * self.drawers):
            raise ValueError(f"sources must lie in 0..{self.classes * self.drawers - 1}, "
                             f"got {sources.min()} to {sources.max()}")
        classes, drawers = np.divmod(sources, self.drawers)
        return classes, drawers

    def batch(self, sources: Array, *, scale: Scale = "ink") -> Array:
        """The drawings with these numbers, as a network reads them.

        Parameters
        ----------
        sources : [...] int
        scale : "ink" or "released"
            See `Scale`.

        Returns
        -------
        [..., 28, 28, 1] float32
        """
        return as_pixels(self.images[self.drawings(sources)], scale=scale)

    def describe(self, source: int) -> str:
        """A drawing in words, e.g. "Angelic character01, drawer 3"."""
        c, drawer = self.drawings(np.asarray(source))
        return f"{self.alphabets[int(c)]} {self.names[int(c)]}, drawer {int(drawer) + 1}"


class Split(NamedTuple):
    """Characters to learn from and characters never seen before the evaluation. They share no class."""

    train: Characters
    test: Characters
    name: str  # what the split is called in a report


def as_pixels(ink: Array, *, scale: Scale = "ink") -> Array:
    """Ink [..., 28, 28] uint8 as [..., 28, 28, 1] float32."""
    if scale not in get_args(Scale):
        raise ValueError(f"scale must be one of {', '.join(get_args(Scale))}, got {scale!r}")
    values = ink[..., None].astype(np.float32)
    return values / np.float32(255) if scale == "ink" else np.float32(255) - values


def rotated(characters: Characters) -> Characters:
    """Four classes for each one: the character turned by 0, 90, 180 and 270 degrees (LTRRE §4).

    The turns of class c are the classes c, c + C, c + 2C and c + 3C for C classes, so that the unturned
    drawings keep their sources.
    """
    turns = [np.rot90(characters.images, turn, axes=(2, 3)) for turn in range(4)]
    names = tuple(name + (f" turned by {90 * turn} degrees" if turn else "")
                  for turn in range(4) for name in characters.names)
    return Characters(np.concatenate(turns), characters.alphabets * 4, names)


def chosen(characters: Characters, classes: Array) -> Characters:
    """Only these classes, in this order."""
    return Characters(characters.images[classes], tuple(characters.alphabets[int(c)] for c in classes),
                      tuple(characters.names[int(c)] for c in classes))


def joined(first: Characters, *others: Characters) -> Characters:
    """The classes of all of them, one after another. All must have the same number of drawers."""
    for other in others:
        if other.drawers != first.drawers:
            raise ValueError("all must have the same number of drawers, "
                             f"got {first.drawers} and {other.drawers}")
    every = (first, *others)
    return Characters(np.concatenate([part.images for part in every]),
                      tuple(text for part in every for text in part.alphabets),
                      tuple(text for part in every for text in part.names))
