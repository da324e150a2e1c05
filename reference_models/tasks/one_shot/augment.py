"""Random affine maps of drawings: the same character by other hands.

Each drawing is turned, sheared, scaled about its middle and shifted. Backwards, the pixel at position o of
the new drawing takes its ink from position

    p = M (o - c) + c - shift,        M = rotation @ shear / scale,        c = the middle,

between four pixels of the old one (bilinear). Outside there is no ink.
"""

import numpy as np

from reference_models.tasks.one_shot.characters import Array

ROTATION = 0.17  # radians, either way
SCALE = 0.13  # of the size, larger or smaller
SHEAR = 0.15  # of the height, either way
SHIFT = 2.0  # pixels, either way, along both axes


def random_affine(images: Array, rng: np.random.Generator, *, rotation: float = ROTATION,
                  scale: float = SCALE, shear: float = SHEAR, shift: float = SHIFT) -> Array:
    """Another version of each drawing, from a map of its own.

    Parameters
    ----------
    images : [B, H, W, 1] float32
        Background 0.
    rng : numpy Generator
    rotation, scale, shear, shift : float
        Bounds of the uniform draws: radians, part of the size, part of the height, pixels.

    Returns
    -------
    [B, H, W, 1] float32
    """
    if images.ndim != 4 or images.shape[3] != 1:
        raise ValueError(f"images must be [B, H, W, 1], got shape {images.shape}")
    if images.dtype != np.float32:
        raise TypeError(f"images must be float32, got {images.dtype}")
    if not 0 <= scale < 1:
        raise ValueError(f"scale must be at least 0 and below 1, got {scale}")
    batch = images.shape[0]
    angle, slant = rng.uniform(-rotation, rotation, batch), rng.uniform(-shear, shear, batch)  # [B]
    size = rng.uniform(1 - scale, 1 + scale, batch)  # [B]
    offset = rng.uniform(-shift, shift, (batch, 2))  # [B, 2] rows, columns

    cos, sin = np.cos(angle) / size, np.sin(angle) / size  # [B]
    # [[cos, -sin], [sin, cos]] @ [[1, 0], [slant, 1]], on (row, column)
    maps = np.stack([np.stack([cos - sin * slant, -sin], axis=1),
                     np.stack([sin + cos * slant, cos], axis=1)], axis=1)  # [B, 2, 2]
    return affine(images, maps.astype(np.float32), offset.astype(np.float32))


def affine(images: Array, maps: Array, offsets: Array) -> Array:
    """The drawings mapped: new(o) = old(maps @ (o - c) + c - offsets), bilinear, 0 outside.

    Parameters
    ----------
    images : [B, H, W, 1] float32
    maps : [B, 2, 2] float32
        On (row, column) about the middle.
    offsets : [B, 2] float32
        Pixels.

    Returns
    -------
    [B, H, W, 1] float32
    """
    batch, height, width, _ = images.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    down = np.arange(height, dtype=np.float32) - middle[0]  # [H]
    right = np.arange(width, dtype=np.float32) - middle[1]  # [W]
    start = middle - offsets  # [B, 2]
    row, column = (maps[:, i, 0, None, None] * down[:, None] + maps[:, i, 1, None, None] * right
                   + start[:, i, None, None] for i in range(2))  # [B, H, W]

    # One empty pixel above and to the left, two below and to the right; what falls outside is moved there.
    padded = np.zeros((batch, height + 3, width + 3), np.float32)
    padded[:, 1:-2, 1:-2] = images[..., 0]
    np.clip(row + 1, 0, height + 1, out=row)
    np.clip(column + 1, 0, width + 1, out=column)
    top, left = row.astype(np.int32), column.astype(np.int32)  # [B, H, W] of the four pixels around
    row -= top
    column -= left

    # The four neighbours of a pixel lie in one row of `corners`, so that one gather fetches them all.
    corners = np.stack([padded[:, :-1, :-1], padded[:, :-1, 1:],
                        padded[:, 1:, :-1], padded[:, 1:, 1:]], axis=-1)  # [B, H + 2, W + 2, 4]
    index = top * np.int32(width + 2) + left
    index += (np.arange(batch, dtype=np.int32) * ((height + 2) * (width + 2)))[:, None, None]
    four = corners.reshape(-1, 4)[index]  # [B, H, W, 4]

    upper = four[..., 0] + column * (four[..., 1] - four[..., 0])
    lower = four[..., 2] + column * (four[..., 3] - four[..., 2])
    mixed: Array = (upper + row * (lower - upper))[..., None]
    return mixed
