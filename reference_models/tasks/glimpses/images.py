"""Images as examples to learn from, as they are or also a little out of place.

Digits stay what they are when they move by a pixel. With a shift of s every image counts (2 s + 1)^2 times, once at
each place up to s pixels away, up, down, left and right; what moves in is empty. FW says nothing of it: it is for
networks that have learnt the training images by heart before they have learnt all that is in them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Images:
    """A set of images, each at all its places.

    Parameters
    ----------
    images : [N, side, side] uint8
    labels : [N] int
    shift : int
        s; 0 leaves them in place.

    Attributes
    ----------
    labels : [N (2 s + 1)^2] int64
        Of all examples: first all images at one place, then all at the next.

    Raises
    ------
    ValueError
        If `shift` is negative, or would move the image out of sight.
    """

    def __init__(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[Any], *, shift: int = 0) -> None:
        if not 0 <= shift < images.shape[1]:
            raise ValueError(f"shift must be at least 0 and less than the side of {images.shape[1]} pixels, "
                             f"got {shift}")
        self.images, self.shift = images, shift
        self.labels = np.tile(labels.astype(np.int64), (2 * shift + 1) ** 2)

    def rows(self, which: npt.NDArray[np.integer[Any]]) -> Floats:
        """[B, side, side], from 0 to 1, of these examples."""
        place, image = np.divmod(which, len(self.images))  # [B]
        down, right = np.divmod(place, 2 * self.shift + 1)  # [B] 0 .. 2 s, of which s is in place
        around = np.pad(self.images[image], ((0, 0), (self.shift, self.shift), (self.shift, self.shift)))
        pixels = np.arange(self.images.shape[1])
        y = (2 * self.shift - down)[:, None, None] + pixels[:, None]  # [B, side, 1] where each row comes from
        x = (2 * self.shift - right)[:, None, None] + pixels  # [B, 1, side]
        shown: Floats = around[np.arange(len(which))[:, None, None], y, x] * np.float32(1 / 255)
        return shown
