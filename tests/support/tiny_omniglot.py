"""A data set in Omniglot's layout, a few characters of scribble, as folders or as zips."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

TINY = {"images_background": {"Latin": 2, "Greek": 1}, "images_evaluation": {"Runes": 2}}
"""half -> alphabet -> number of characters"""


def png(seed: int, size: tuple[int, int] = (105, 105)) -> bytes:
    """Black lines of one bit on white."""
    image = Image.fromarray(np.random.default_rng(seed).random(size) > 0.1)
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def contents(half: str, alphabets: Mapping[str, int], drawers: int = 20) -> dict[str, bytes]:
    """name -> bytes of every file of one half."""
    files = {}
    for a, (alphabet, characters) in enumerate(alphabets.items()):
        for c in range(characters):
            for d in range(drawers):
                name = f"{half}/{alphabet}/character{c + 1:02d}/{a:02d}{c:02d}_{d + 1:02d}.png"
                files[name] = png(10000 * len(half) + 1000 * a + 100 * c + d)
    return files


def as_zips(folder: Path, **changed: Mapping[str, int]) -> Path:
    """Two zips in `folder`; `changed` takes the place of what TINY holds of a half."""
    folder.mkdir(parents=True, exist_ok=True)
    for half, alphabets in {**TINY, **changed}.items():
        with zipfile.ZipFile(folder / f"{half}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in contents(half, alphabets).items():
                archive.writestr(name, data)
    return folder


def as_folders(folder: Path) -> Path:
    """Two folders in `folder`."""
    for half, alphabets in TINY.items():
        for name, data in contents(half, alphabets).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return folder
