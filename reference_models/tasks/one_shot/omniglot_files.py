"""Omniglot as it lies on a disc: where its two halves are, and their drawings one by one.

Each half, `images_background` and `images_evaluation`, is a zip or the folder that it unpacks to. A drawing
is `images_background/ALPHABET/characterNN/ID_NN.png`: 105 x 105 pixels of one bit, black on white.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from refmem.storage import FileRefused

HALVES = ("images_background", "images_evaluation")
DRAWERS = 20

_NAME = re.compile(r"(?:^|/)(?:images_background|images_evaluation)"
                   r"/([^/]+)/(character[^/]+)/([^./][^/]*)\.png$")


def find(data: Path, half: str) -> Path:
    """The zip or the folder of one half: in `data`, or in a folder `omniglot` or `python` in it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or nothing of that name in it.
    """
    if not data.is_dir():
        raise FileNotFoundError(f"{data} is not a folder; one with Omniglot's two zips is wanted")
    for place in (data, data / "omniglot", data / "python", data / "omniglot" / "python"):
        for candidate in (place / half, place / f"{half}.zip"):
            if candidate.exists():
                return candidate
    raise FileNotFoundError(f"{data} is not Omniglot: it has neither {half}.zip nor a folder {half} "
                            "(`python -m reference_models fetch omniglot` gets them)")


class Drawing(NamedTuple):
    """One image file, not yet read."""

    alphabet: str
    character: str
    name: str
    read: Callable[[], bytes]
    half: Path

    def image(self) -> Image.Image:
        """The drawing in grey, as large as it was scanned.

        Raises
        ------
        FileRefused
            If it cannot be read or is not square.
        """
        try:
            data = self.read()
            with Image.open(io.BytesIO(data)) as image:
                image.verify()  # of all its sums: a flipped bit can decode to another drawing
            with Image.open(io.BytesIO(data)) as image:
                if image.width != image.height:
                    raise ValueError(f"it is {image.width} x {image.height} pixels, not square")
                return image.convert("L")
        except Exception as error:  # a damaged zip or PNG can raise almost anything
            raise FileRefused(f"{self.half} is damaged: {self.alphabet}/{self.character}/{self.name} "
                              f"cannot be read ({error})") from error


def drawings(half: Path) -> dict[tuple[str, str], list[Drawing]]:
    """The drawings of each (alphabet, character), all in the order of their names.

    Raises
    ------
    FileNotFoundError
        If there is no drawing in it.
    FileRefused
        If it is not a whole zip, or a character has not the drawings of 20 people.
    """
    classes: dict[tuple[str, str], list[Drawing]] = {}
    for drawing in sorted(_listed(half), key=lambda d: d[:3]):
        classes.setdefault((drawing.alphabet, drawing.character), []).append(drawing)
    if not classes:
        raise FileNotFoundError(f"{half} is not Omniglot: "
                                f"it has no {half.stem}/ALPHABET/characterNN/ID_NN.png")
    for (alphabet, character), found in classes.items():
        if len(found) != DRAWERS:
            raise FileRefused(f"{half} has {len(found)} drawings of {alphabet}/{character}; "
                              f"every character of Omniglot has {DRAWERS}")
    return classes


def _listed(half: Path) -> Iterator[Drawing]:
    if half.is_dir():
        for path in half.glob("*/*/*.png"):
            match = _NAME.search(path.as_posix())
            if match:
                yield Drawing(match[1], match[2], match[3], path.read_bytes, half)
        return
    try:
        archive = zipfile.ZipFile(half)
    except Exception as error:  # a damaged zip can raise almost anything
        raise FileRefused(f"{half} is damaged, or not a zip ({error})") from error
    for entry in archive.infolist():
        match = _NAME.search(entry.filename)
        if match and not entry.filename.startswith("__MACOSX/"):
            # By its entry, not by its name: a damaged name may be that of another drawing.
            yield Drawing(match[1], match[2], match[3], partial(archive.read, entry), half)
