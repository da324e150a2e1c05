"""One drawing from an image file, brought to the form of the characters that were learnt."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from refmem.storage import FileRefused
from reference_models.tasks.one_shot.characters import SIZE, Array

LARGEST = 50_000_000  # pixels


def read(path: str | os.PathLike[str]) -> Array:
    """The ink of an image: [28, 28] uint8, 255 a stroke, 0 the background.

    The paper is whatever most of the border shows, light or dark. What is transparent is paper. An image that is not
    square gets paper added on both sides, and the reduction is that of the data set.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileRefused
        If it is not an image, or shows no stroke.
    """
    path = Path(path)
    try:
        with Image.open(path) as image:
            fits = image.width * image.height <= LARGEST
            layers = image.convert("RGBA") if fits else None
    except UnidentifiedImageError as error:
        raise FileRefused(f"{path} is not an image that can be read") from error
    except (SyntaxError, EOFError, ValueError, Image.DecompressionBombError) as error:
        raise FileRefused(f"{path} is damaged or not an image ({error})") from error
    except OSError as error:
        if error.errno is not None:  # no such file, no permission
            raise
        raise FileRefused(f"{path} is damaged: {error}") from error
    if layers is None:
        raise FileRefused(f"{path} has more than {LARGEST:,} pixels")

    grey: Array = np.asarray(layers.convert("L"), np.float32)  # [H, W]
    opaque: Array = np.asarray(layers.getchannel("A"), np.float32) / np.float32(255)  # [H, W]
    if opaque.min() < 1:  # a drawing on nothing: take the strokes to be dark, unless they are light
        paper = 255 if _mean(grey, opaque) < 128 else 0
        grey = grey * opaque + paper * (1 - opaque)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = grey if np.median(border) < 128 else 255 - grey
    if ink.max() - ink.min() < 64:
        raise FileRefused(f"{path} shows no stroke: all of it is about equally bright")

    height, width = ink.shape
    side = max(height, width)
    square = np.full((side, side), np.median(ink), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top:top + height, left:left + width] = ink
    small = Image.fromarray(np.uint8(np.round(square))).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(small)


def _mean(values: Array, weights: Array) -> float:
    return float((values * weights).sum() / max(float(weights.sum()), 1e-9))
