"""An image as a fixed sequence of glimpses at two scales.        (FW §4.2, 4.3)

The image is cut into four regions, and each region into four quarters. All glimpses have the same number of pixels:
a region is seen coarsely, at half the resolution, its quarters as they are. FW says that there are 24 glimpses; four
regions and sixteen quarters are 20. Here a region is looked at six times: coarsely, then its
quarters, then coarsely again, so that 24 glimpses come out and each region ends with the view that sums it up.

With each glimpse comes a signal of two numbers: whether it is coarse, and whether it is the last one of its region.
"""

import numpy as np

from refmem.arrays import Array

REGIONS = ((0, 0), (0, 1), (1, 0), (1, 1))  # (row, column): left to right, top to bottom
GLIMPSES = 6 * len(REGIONS)
SIGNALS = 2


def width(side: int) -> int:
    """Numbers of a glimpse at an image of this side, signal included.

    Raises
    ------
    ValueError
        If the side is not a multiple of 4.
    """
    if side < 4 or side % 4:
        raise ValueError(f"images must have a side that is a multiple of 4, got {side}")
    return (side // 4) ** 2 + SIGNALS


def glimpses(images: Array) -> Array:
    """The sequence of glimpses at each image.

    Parameters
    ----------
    images : [B, S, S] float
        S a multiple of 4.

    Returns
    -------
    [B, 24, (S/4)^2 + 2], dtype of `images`
    """
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise ValueError(f"images must be square, [B, S, S], got shape {images.shape}")
    side = images.shape[1]
    numbers = width(side)
    half, quarter = side // 2, side // 4
    out = np.zeros((len(images), GLIMPSES, numbers), images.dtype)
    t = 0
    for row, column in REGIONS:
        region = images[:, row * half:(row + 1) * half, column * half:(column + 1) * half]  # [B, S/2, S/2]
        coarse = region.reshape(len(images), quarter, 2, quarter, 2).mean(axis=(2, 4))  # [B, S/4, S/4]
        quarters = [region[:, r * quarter:(r + 1) * quarter, c * quarter:(c + 1) * quarter] for r, c in REGIONS]
        for place, view in enumerate([coarse, *quarters, coarse]):
            out[:, t, :-SIGNALS] = view.reshape(len(images), -1)
            out[:, t, -SIGNALS:] = place in (0, 5), place == 5
            t += 1
    return out
