"""Parallel text: sentences and their translations, line by line in two files.

The layout is that of Multi30k (Elliott et al. 2016): SPLIT.LANGUAGE or SPLIT.LANGUAGE.gz with one sentence a line, the
splits train, val and test_2016_flickr (and two more tests). Anyone's files in that layout do.
"""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from refmem.storage import FileRefused

TRAIN, VALIDATION, TEST = "train", "val", "test_2016_flickr"


class Pairs(NamedTuple):
    """Sentences and their translations."""

    source: list[str]
    target: list[str]

    def __len__(self) -> int:  # pairs, not fields
        return len(self.source)

    def take(self, rows: Sequence[int]) -> "Pairs":
        """The pairs with these numbers."""
        return Pairs([self.source[row] for row in rows], [self.target[row] for row in rows])


def find(data: Path) -> Path:
    """The folder with the files: `data`, or `multi30k` in it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    if not data.is_dir():
        raise FileNotFoundError(f"{data} is not a folder; one with train.en.gz and its translation is wanted "
                                "(`python -m reference_models fetch multi30k` gets one)")
    inside = data / "multi30k"
    return inside if inside.is_dir() else data


def load(data: Path, split: str, source: str, target: str) -> Pairs:
    """The pairs of one split.

    Parameters
    ----------
    data : path
        The folder, or the one above `multi30k`.
    split : str
        "train", "val", "test_2016_flickr", ...
    source, target : str
        Endings of the files: "en", "de".

    Raises
    ------
    FileNotFoundError
        If the folder or one of the files is missing; it says which languages there are.
    FileRefused
        If a file is damaged or not text, the two have different numbers of lines, or a line is empty.
    """
    folder = find(data)
    sides = [_lines(folder, split, language) for language in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise FileRefused(f"{folder}: {split}.{source} has {len(sides[0])} lines and {split}.{target} has "
                          f"{len(sides[1])}; a sentence and its translation must stand in the same line")
    for language, lines in zip((source, target), sides, strict=True):
        if "" in lines:
            raise FileRefused(f"{folder}: line {lines.index('') + 1} of {split}.{language} is empty")
    if not sides[0]:
        raise FileRefused(f"{folder}: {split}.{source} has no lines")
    return Pairs(*sides)


def _lines(folder: Path, split: str, language: str) -> list[str]:
    """The sentences of one file, without the blanks around them."""
    plain = folder / f"{split}.{language}"
    zipped = folder / f"{split}.{language}.gz"
    path = plain if plain.exists() else zipped
    if not path.exists():
        there = sorted({file.name.removesuffix(".gz").removeprefix(f"{split}.") for file in folder.glob(f"{split}.*")})
        known = f"; {split} is there in: {', '.join(there)}" if there else ""
        raise FileNotFoundError(f"there is no {plain.name} or {zipped.name} in {folder}{known}")
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path == zipped else content).decode()
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FileRefused(f"{path} is damaged or not UTF-8 text ({error})") from error
    return [line.strip() for line in text.removesuffix("\n").split("\n")] if text else []
