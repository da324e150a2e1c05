"""CMU Multi-PIE, cropped as FW §4.3 has it: 48 x 48 grey pixels, three cameras, six expressions.

The data set is sold, not given away; who has it crops and aligns the faces himself and keeps the names of the files:

    001_02_03_051_07.png        person 001, session 02, recording 03, camera 05_1, light 07

Which expression a recording shows depends on its session (`RECORDINGS`). Of the fifteen cameras FW takes those at
-15, 0 and 15 degrees; files of others are left out. If the folder has the two subfolders `train` and `test`, these are
the sides; else some people, drawn by a seed, are kept for the test, 20 as in the paper. No person is on both sides.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from refmem.arrays import Array
from refmem.storage import FileRefused

from reference_models.tasks.faces.expressions import EXPRESSIONS, SIDE, Faces, FaceSplit, check_split

NAME = re.compile(r"(?P<person>\d{3})_(?P<session>\d\d)_(?P<recording>\d\d)_(?P<camera>\d{3})_(?P<light>\d\d)\.png")
CAMERAS = {"140": -15, "051": 0, "050": 15}
"""Degrees."""

RECORDINGS = {(1, 1): "neutral", (1, 2): "smile",
              (2, 1): "neutral", (2, 2): "surprise", (2, 3): "squint",
              (3, 1): "neutral", (3, 2): "smile", (3, 3): "disgust",
              (4, 1): "neutral", (4, 2): "scream", (4, 3): "neutral"}
"""(session, recording) -> expression."""

TEST_PEOPLE = 20


def load(folder: str | os.PathLike[str], *, test_people: int = TEST_PEOPLE, seed: int = 0) -> FaceSplit:
    """The faces below a folder.

    Parameters
    ----------
    folder : path
    test_people : int
        How many are kept for the test, where the folder does not say itself.
    seed : int
        Draws which.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    FileRefused
        If it does not hold Multi-PIE, or a picture is damaged, not grey, or of another size.
    ValueError
        If a person is on both sides, or there are too few.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    sides = [folder / side for side in ("train", "test")]
    if all(side.is_dir() for side in sides):
        train, test = (_read(side, _files(side)) for side in sides)
    else:
        files = _files(folder)
        people = np.unique([int(_fields(path)["person"]) for path in files])
        if not 1 <= test_people < len(people):
            raise ValueError(f"test_people must lie between 1 and the {len(people)} people in {folder} less one, "
                             f"got {test_people}")
        kept = set(np.random.default_rng([seed, 20]).permutation(people)[:test_people].tolist())
        train = _read(folder, [path for path in files if int(_fields(path)["person"]) not in kept])
        test = _read(folder, [path for path in files if int(_fields(path)["person"]) in kept])
    count = [len(np.unique(faces.people)) for faces in (train, test)]
    split = FaceSplit(train, test, f"Multi-PIE ({count[0]}/{count[1]} people, {len(train.images)}/{len(test.images)} "
                                   "pictures)")
    check_split(split)
    return split


def _files(folder: Path) -> list[Path]:
    """The pictures from the three cameras, by name."""
    named = [path for path in folder.rglob("*.png") if NAME.fullmatch(path.name)]
    if not named:
        raise FileRefused(f"{folder} does not hold Multi-PIE: no file in it is called like 001_01_01_051_07.png "
                          "(person, session, recording, camera, light)")
    seen = [path for path in named if _fields(path)["camera"] in CAMERAS]
    if not seen:
        raise FileRefused(f"{folder} has no picture from the cameras at -15, 0 and 15 degrees ({', '.join(CAMERAS)})")
    return sorted(seen, key=lambda path: (path.name, str(path)))


def _fields(path: Path) -> dict[str, str]:
    match = NAME.fullmatch(path.name)
    assert match is not None  # or it would not be on the list
    return match.groupdict()


def _read(folder: Path, files: Sequence[Path]) -> Faces:
    if not files:
        raise FileRefused(f"{folder} has no picture for one of the sides")
    images = np.empty((len(files), SIDE, SIDE), np.uint8)
    expressions, people, cameras = (np.empty(len(files), np.int64) for _ in range(3))
    for i, path in enumerate(files):
        fields = _fields(path)
        recording = int(fields["session"]), int(fields["recording"])
        if recording not in RECORDINGS:
            raise FileRefused(f"{path} is of session {recording[0]}, recording {recording[1]}, which Multi-PIE does "
                              "not have")
        images[i] = _pixels(path)
        expressions[i] = EXPRESSIONS.index(RECORDINGS[recording])
        people[i], cameras[i] = int(fields["person"]), CAMERAS[fields["camera"]]
    return Faces(images, expressions, people, cameras)


def _pixels(path: Path) -> Array:
    """[48, 48] uint8."""
    try:
        with Image.open(path) as image:
            if image.size != (SIDE, SIDE):
                raise FileRefused(f"{path} must be {SIDE} x {SIDE} pixels, got {image.width} x {image.height}")
            if image.mode != "L":
                raise FileRefused(f"{path} must be grey, eight bits a pixel, got mode {image.mode}")
            return np.asarray(image)
    except FileRefused:
        raise
    except (UnidentifiedImageError, SyntaxError, EOFError, ValueError, Image.DecompressionBombError) as error:
        raise FileRefused(f"{path} is damaged or not an image ({error})") from error
    except OSError as error:
        if error.errno is not None:  # no permission
            raise
        raise FileRefused(f"{path} is damaged: {error}") from error
