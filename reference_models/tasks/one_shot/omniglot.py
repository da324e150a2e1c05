"""Omniglot: 1623 characters of 50 alphabets, each drawn by 20 people.

Lake, Salakhutdinov, Tenenbaum: "Human-level concept learning through probabilistic program induction", 2015.

A drawing is reduced to 28 x 28 with a triangle filter as wide as the reduction (Pillow's BILINEAR, which the
released code ended in too), so that thin strokes turn grey instead of breaking up. This takes seconds, and
what comes out is kept in a cache.
"""

import hashlib
import os
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from PIL import Image

from refmem import storage
from reference_models.tasks.one_shot.characters import SIZE, Characters, Split, chosen, joined, rotated
from reference_models.tasks.one_shot.omniglot_files import DRAWERS, HALVES, drawings, find

SplitName: TypeAlias = Literal["background", "paper"]
"""Which characters are learnt from and which are new at the evaluation.

`background`: Lake's own split, 964 characters of 30 alphabets against 659 of the 20 others (and the released
code's). `paper`: 1200 characters against the other 423, whatever their alphabets (LTRRE §4, after Vinyals et
al.). Which 1200 is not said; here the 1623 are shuffled by NumPy's default generator with the seed
`PAPER_SPLIT_SEED`.
"""

PAPER_SPLIT_SEED = 1703
PAPER_SPLIT_TRAIN = 1200

CACHE_KIND, CACHE_VERSION = "omniglot cache", 1


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
        Whether turned characters count as further classes. The paper turns them for training; whether Vinyals
        et al. turn those of the evaluation too is left open, and the released code does not.
    cache : path, optional
        Folder for the decoded images. Without it, the folder of the data where it can be written, else the
        user's cache folder ($XDG_CACHE_HOME/refmem or ~/.cache/refmem).

    Raises
    ------
    FileNotFoundError
        If one of the two halves is missing, or the folder is not Omniglot.
    FileRefused
        If a zip or a drawing is damaged, or a class has not the drawings of 20 people.
    ValueError
        If there is no such split, or there are too few characters for the paper's.
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
        raise ValueError(f"the paper's split needs more than {PAPER_SPLIT_TRAIN} characters, "
                         f"found {every.classes}")
    order = np.random.default_rng(PAPER_SPLIT_SEED).permutation(every.classes)
    train, test = np.sort(order[:PAPER_SPLIT_TRAIN]), np.sort(order[PAPER_SPLIT_TRAIN:])
    return chosen(every, train), chosen(every, test)


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


def decode(half: Path) -> Characters:
    """The characters of a zip or folder, in the order of their names, 28 x 28."""
    classes = drawings(half)
    images = np.empty((len(classes), DRAWERS, SIZE, SIZE), np.uint8)
    for c, found in enumerate(classes.values()):
        for drawer, drawing in enumerate(found):
            paper = drawing.image().resize((SIZE, SIZE), Image.Resampling.BILINEAR)  # 255 where white
            images[c, drawer] = np.uint8(255) - np.asarray(paper)
    alphabets, names = zip(*classes, strict=True)
    return Characters(images, alphabets, names)


# --- The cache ----------------------------------------------------------------------------------------------


def user_cache() -> Path:
    """$XDG_CACHE_HOME/refmem, or ~/.cache/refmem."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refmem"


def _digest_of(halves: list[Path]) -> str:
    """Changes whenever the data does: the bytes of a zip; the names, sizes and times of a folder's files."""
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
    if facts.get("source") != source:
        return None
    background, evaluation = (Characters(arrays[half], *map(tuple, facts[half]))
                              for half in HALVES)
    return background, evaluation


def _write_cache(folder: Path, source: str, decoded: tuple[Characters, Characters]) -> bool:
    """Whether it could be kept there. A cache that cannot be written costs seconds the next time, no more."""
    texts = {half: (part.alphabets, part.names) for half, part in zip(HALVES, decoded, strict=True)}
    arrays = {half: part.images for half, part in zip(HALVES, decoded, strict=True)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"source": source, **texts}
        storage.save(_cache_file(folder, source), CACHE_KIND, CACHE_VERSION, facts, arrays)
    except OSError:
        return False
    return True
