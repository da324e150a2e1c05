"""An image as a fixed sequence of glimpses, coarse to fine.        (FW §4.2)

The image of 28 x 28 has four quadrants, and each quadrant four of its own. A glimpse is 7 x 7: a quadrant at half the
resolution, or a quadrant of a quadrant at full. With each comes where it is, and a signal that says when to store:
"update fast weights and wipe out hidden state".

FW speaks of "four coarse regions, down-sampled to 7x7, along with their four 7x7 quadrants", which are 20, and of 24
glimpses. Two orders have 24. `RETURN` goes through the quadrants: coarse, its four fine glimpses, and the coarse one
again, with the signal to store what was gathered. `OVERVIEW` looks at the four coarse glimpses first and stores, and
then at each with its four fine ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE, GLIMPSE = 28, 7
EXTRAS = 4  # numbers that come with the pixels of a glimpse: x, y, whether it is coarse, the signal
WIDTH = GLIMPSE * GLIMPSE + EXTRAS  # of a glimpse at 28 x 28

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Order:
    """A sequence of glimpses."""

    name: str
    glimpses: tuple[tuple[int, int | None], ...]
    """(quadrant, its quadrant), or (quadrant, None) for the whole quadrant, coarse."""
    stretches: tuple[int, ...]
    """How many glimpses there are up to each signal to store, with it."""

    def __post_init__(self) -> None:
        if sum(self.stretches) != len(self.glimpses):
            raise ValueError(f"the stretches {self.stretches} do not add up to {len(self.glimpses)} glimpses")


def _coarse_and_fine(q: int) -> list[tuple[int, int | None]]:
    return [(q, None), *((q, f) for f in range(4))]


RETURN = Order("return", tuple(g for q in range(4) for g in [*_coarse_and_fine(q), (q, None)]), (6, 6, 6, 6))
OVERVIEW = Order("overview", tuple([(q, None) for q in range(4)] + [g for q in range(4) for g in _coarse_and_fine(q)]),
                 (4, 5, 5, 5, 5))
ORDERS = {order.name: order for order in (RETURN, OVERVIEW)}


def width(side: int = SIDE) -> int:
    """Numbers of a glimpse at an image of this side: its pixels, and what comes with them."""
    return (side // 4) ** 2 + EXTRAS


def glimpses(images: npt.NDArray[Any], order: Order = RETURN, *, side: int = SIDE) -> Floats:
    """The glimpses of images.

    Parameters
    ----------
    images : [B, 28, 28]
        uint8, or float from 0 to 1.
    side : int
        Of the images, a multiple of 4; faces have 48, and glimpses of 12 x 12.

    Returns
    -------
    [B, 24, 53] float32
        49 pixels from 0 to 1; x and y of the middle, from -1 to 1; whether it is coarse; the signal to store.

    Raises
    ------
    ValueError
        If the images have another size.
    """
    if side < 4 or side % 4:
        raise ValueError(f"side must be a multiple of 4, got {side}")
    if images.ndim != 3 or images.shape[1:] != (side, side):
        raise ValueError(f"images must have shape [B, {side}, {side}], got {images.shape}")
    batch, half, quarter = len(images), side // 2, side // 4
    pixels = images.astype(np.float32)
    if images.dtype.kind in "iu":
        pixels *= np.float32(1 / 255)
    #   [B, row, column, y, x]: quadrants, and quadrants of quadrants
    coarse = pixels.reshape(batch, half, 2, half, 2).mean(axis=(2, 4))
    coarse = coarse.reshape(batch, 2, quarter, 2, quarter).swapaxes(2, 3)
    fine = pixels.reshape(batch, 4, quarter, 4, quarter).swapaxes(2, 3)
    out = np.zeros((batch, len(order.glimpses), width(side)), np.float32)
    stores = set(np.cumsum(order.stretches) - 1)
    for t, (quadrant, part) in enumerate(order.glimpses):
        row, column = divmod(quadrant, 2)
        if part is None:
            seen, y, x = coarse[:, row, column], row - 0.5, column - 0.5
        else:
            down, across = 2 * row + part // 2, 2 * column + part % 2
            seen, y, x = fine[:, down, across], down / 2 - 0.75, across / 2 - 0.75
        out[:, t, :-EXTRAS] = seen.reshape(batch, -1)
        out[:, t, -EXTRAS:] = x, y, part is None, t in stores
    return out
