"""Omniglot: 1623 characters of 50 alphabets, each drawn by the same 20 people (Lake, Salakhutdinov, Tenenbaum 2015).

Read from `images_background.zip` and `images_evaluation.zip` or from the folders they unpack to:
`images_background/ALPHABET/characterNN/ID_NN.png`, 105 x 105 pixels of one bit.

A drawing is reduced to 28 x 28 with a triangle filter as wide as the reduction (Pillow's BILINEAR, which the released
code ended in too), so that thin strokes turn grey instead of breaking up. This takes seconds, and what comes out is
kept in a cache.
"""

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from PIL import Image

from refmem import storage
from reference_models.tasks.characters import SIZE, Array, Characters, Split, chosen, joined, rotated

SplitName: TypeAlias = Literal["background", "paper"]
"""Which characters are learnt from and which are new at the evaluation.

`background`: Lake's own split, 964 characters of 30 alphabets against 659 of the 20 others (and the released code's).
`paper`: 1200 characters against the other 423, whatever their alphabets (LTRRE §4, after Vinyals et al.). Which 1200 is not
said; here the 1623 are shuffled by NumPy's default generator with the seed `PAPER_SPLIT_SEED`.
"""

DRAWERS = 20
PAPER_SPLIT_SEED = 1703
PAPER_SPLIT_TRAIN = 1200

HALVES = ("images_background", "images_evaluation")
CACHE_KIND, CACHE_VERSION = "omniglot cache", 1

_DRAWING = re.compile(r"(?:^|/)(images_background|images_evaluation)/([^/]+)/(character[^/]+)/([^./][^/]*)\.png$")


def load(data: str | os.PathLike[str], *, split: SplitName = "background", rotate_train: bool = True,
         rotate_test: bool = False, cache: str | os.PathLike[str] | None = None) -> Split:
    """Omniglot, split into characters to learn from and new ones.

    Parameters
    ----------
    data : path
        A folder with the two zips or the two folders, itself or in its folder `omniglot` or `python`.
    split : "background" or "paper"
        See `SplitName`.
    rotate_train, rotate_test : bool
        Whether turned characters count as further classes. The paper turns them for training; whether Vinyals et al.
        turn those of the evaluation too is left open, and the released code does not.
    cache : path, optional
        Folder for the decoded images. Without it, the folder of the data where it can be written, else the user's cache
        folder ($XDG_CACHE_HOME/refmem or ~/.cache/refmem).

    Raises
    ------
    FileNotFoundError
        If one of the two halves is missing, or the folder is not Omniglot.
    FileRefused
        If a zip or a drawing is damaged, or a class has too few drawings.
    """
    if split not in get_args(SplitName):
        raise ValueError(f"split must be one of {', '.join(get_args(SplitName))}, got {split!r}")
    background, evaluation = read(data, cache=cache)
    train, test = (background, evaluation) if split == "background" else paper_split(background, evaluation)
    return Split(rotated(train) if rotate_train else train, rotated(test) if rotate_test else test,
                 f"omniglot, {split} split ({train.classes}/{test.classes})")


def paper_split(background: Characters, evaluation: Characters) -> tuple[Characters, Characters]:
    """All characters shuffled with a fixed seed; the first 1200 to learn from, and the rest."""
    every = joined(background, evaluation)
    if every.classes <= PAPER_SPLIT_TRAIN:
        raise ValueError(f"the paper's split needs more than {PAPER_SPLIT_TRAIN} characters, found {every.classes}")
    order = np.random.default_rng(PAPER_SPLIT_SEED).permutation(every.classes)
    return (chosen(every, np.sort(order[:PAPER_SPLIT_TRAIN])), chosen(every, np.sort(order[PAPER_SPLIT_TRAIN:])))


def read(data: str | os.PathLike[str], *,
         cache: str | os.PathLike[str] | None = None) -> tuple[Characters, Characters]:
    """Both halves as they come, (background, evaluation), from the cache where it holds this very data."""
    halves = [find(Path(data), half) for half in HALVES]
    source = _digest_of(halves)
    folders = [Path(cache)] if cache is not None else [halves[0].parent, user_cache()]
    for folder in folders:
        kept = _read_cache(folder, source)
        if kept is not None:
            return kept

    decoded = decode(halves[0]), decode(halves[1])
    for folder in folders:
        if _write_cache(folder, source, decoded):
            break
    return decoded


# --- Where it is ----------------------------------------------------------------------------------------------


def find(data: Path, half: str) -> Path:
    """The zip or the folder of one half."""
    if not data.is_dir():
        raise FileNotFoundError(f"{data} is not a folder; Omniglot's two zips are expected in one")
    places = [data, data / "omniglot", data / "python", data / "omniglot" / "python"]
    for place in places:
        for candidate in (place / half, place / f"{half}.zip"):
            if candidate.exists():
                return candidate
    raise FileNotFoundError(f"{data} is not Omniglot: it has neither {half}.zip nor a folder {half} "
                            "(`python -m reference_models fetch omniglot` gets them)")


def user_cache() -> Path:
    """$XDG_CACHE_HOME/refmem, or ~/.cache/refmem."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refmem"


# --- Decoding ---------------------------------------------------------------------------------------------------


class Drawing(NamedTuple):
    """One image file, not yet read."""

    alphabet: str
    character: str
    name: str
    read: Callable[[], bytes]


def decode(half: Path) -> Characters:
    """The characters of a zip or folder, in the order of their names."""
    classes: dict[tuple[str, str], list[Drawing]] = {}
    for drawing in sorted(_drawings(half), key=lambda d: d[:3]):
        classes.setdefault((drawing.alphabet, drawing.character), []).append(drawing)
    if not classes:
        raise FileNotFoundError(f"{half} is not Omniglot: no drawing in it is named "
                                f"{HALVES[0]}/ALPHABET/characterNN/ID_NN.png or alike")
    for (alphabet, character), drawings in classes.items():
        if len(drawings) != DRAWERS:
            raise storage.FileRefused(f"{half}: {alphabet}/{character} has {len(drawings)} drawings, "
                                      f"and every character of Omniglot has {DRAWERS}")

    images = np.empty((len(classes), DRAWERS, SIZE, SIZE), np.uint8)
    for c, drawings in enumerate(classes.values()):
        for i, drawing in enumerate(drawings):
            images[c, i] = _ink(drawing, half)
    alphabets, names = zip(*classes, strict=True)
    return Characters(images, alphabets, names)


def _drawings(half: Path) -> Iterator[Drawing]:
    if half.is_dir():
        for path in half.glob("*/*/*.png"):
            match = _DRAWING.search(path.as_posix())
            if match:
                yield Drawing(*match.group(2, 3, 4), path.read_bytes)
        return
    try:
        archive = zipfile.ZipFile(half)
    except (zipfile.BadZipFile, OSError) as error:
        raise storage.FileRefused(f"{half} is damaged, or not a zip ({error})") from error
    for name in archive.namelist():
        match = _DRAWING.search(name)
        if match and not name.startswith("__MACOSX/"):
            yield Drawing(*match.group(2, 3, 4), lambda name=name: archive.read(name))  # type: ignore[misc]


def _ink(drawing: Drawing, half: Path) -> Array:
    """[28, 28] uint8, 255 where a stroke covers the whole pixel."""
    try:
        with Image.open(io.BytesIO(drawing.read())) as image:
            if image.width != image.height:
                raise ValueError(f"it is {image.width} x {image.height} pixels, not square")
            grey = image.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise storage.FileRefused(f"{half} is damaged: {drawing.alphabet}/{drawing.character}/{drawing.name}.png "
                                  f"cannot be read ({error})") from error
    return np.uint8(255) - np.asarray(grey)


# --- The cache --------------------------------------------------------------------------------------------------


def _digest_of(halves: list[Path]) -> str:
    """Changes whenever the data does: the bytes of a zip; the names, sizes and times of the files of a folder."""
    sha = hashlib.sha256()
    for half in halves:
        if half.is_dir():
            for path in sorted(half.glob("*/*/*.png")):
                status = path.stat()
                sha.update(f"{path.relative_to(half)} {status.st_size} {status.st_mtime_ns}\n".encode())
        else:
            with half.open("rb") as file:
                sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()


def _cache_file(folder: Path, source: str) -> Path:
    return folder / f"omniglot-{SIZE}-{source[:16]}.npz"


def _read_cache(folder: Path, source: str) -> tuple[Characters, Characters] | None:
    """What `folder` keeps of this data; None where it keeps nothing, or nothing usable."""
    try:
        facts, arrays = storage.load(_cache_file(folder, source), CACHE_KIND, CACHE_VERSION)
    except (OSError, storage.FileRefused):
        return None
    if facts["source"] != source:
        return None
    background, evaluation = (Characters(arrays[half], tuple(facts[half]["alphabets"]), tuple(facts[half]["names"]))
                              for half in HALVES)
    return background, evaluation


def _write_cache(folder: Path, source: str, decoded: tuple[Characters, Characters]) -> bool:
    """Whether it could be kept there. A cache that cannot be written costs seconds the next time, no more."""
    facts = {half: {"alphabets": part.alphabets, "names": part.names}
             for half, part in zip(HALVES, decoded, strict=True)}
    arrays = {half: part.images for half, part in zip(HALVES, decoded, strict=True)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage.save(_cache_file(folder, source), CACHE_KIND, CACHE_VERSION, {"source": source, **facts}, arrays)
    except OSError:
        return False
    return True
