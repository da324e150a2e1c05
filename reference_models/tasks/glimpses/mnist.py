"""Handwritten digits of MNIST, from the four IDX files as they are distributed, packed by gzip or not.

An IDX file is a number that names its kind (2051 images, 2049 labels), the sizes, and the bytes; numbers are
big-endian.
"""

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.storage import FileRefused

SIDE = 28
IMAGES, LABELS = 2051, 2049
PARTS = {"train": "train", "test": "t10k"}
Bytes = npt.NDArray[np.uint8]


def load(folder: str | os.PathLike[str]) -> dict[str, tuple[Bytes, Bytes]]:
    """{"train": (images [N, 28, 28], labels [N]), "test": ...}, of the files in `folder`, or in `mnist` in it.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    FileRefused
        If one is damaged, of another kind, or has images of another size.
    """
    found, home = {}, Path(folder)
    if (home / "mnist").is_dir():
        home /= "mnist"
    for part, prefix in PARTS.items():
        images = images_of(_file(home, f"{prefix}-images-idx3-ubyte"))
        labels = labels_of(where := _file(home, f"{prefix}-labels-idx1-ubyte"))
        if len(images) != len(labels):
            raise FileRefused(f"{where} has {len(labels)} labels for {len(images)} images")
        found[part] = images, labels
    return found


def _file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.exists():
            return path
    raise FileNotFoundError(f"there is no {name}.gz in {folder} (`python -m reference_models fetch mnist` gets it)")


def images_of(path: Path) -> Bytes:
    """[N, 28, 28]."""
    content = _content(path)
    sizes = _header(path, content, IMAGES, "images", 3)
    if sizes[1:] != (SIDE, SIDE):
        raise FileRefused(f"{path} has images of {sizes[1]} x {sizes[2]} pixels, not {SIDE} x {SIDE}")
    return _body(path, content, sizes)


def labels_of(path: Path) -> Bytes:
    """[N], 0 to 9."""
    content = _content(path)
    labels = _body(path, content, _header(path, content, LABELS, "labels", 1))
    if labels.max(initial=0) > 9:
        raise FileRefused(f"{path} is damaged: it has the label {labels.max()}")
    return labels


def _content(path: Path) -> bytes:
    try:
        with (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileRefused(f"{path} is damaged: {error}") from error


def _header(path: Path, content: bytes, kind: int, what: str, rank: int) -> tuple[int, ...]:
    if len(content) < 4 * (1 + rank):
        raise FileRefused(f"{path} is damaged: it ends within its header")
    found, *sizes = struct.unpack(f">{1 + rank}I", content[:4 * (1 + rank)])
    if found != kind:
        raise FileRefused(f"{path} does not hold {what}: it begins with {found}, not {kind}")
    return tuple(sizes)


def _body(path: Path, content: bytes, sizes: tuple[int, ...]) -> Bytes:
    begin, wanted = 4 * (1 + len(sizes)), int(np.prod(sizes, dtype=np.int64))
    if len(content) - begin != wanted:
        raise FileRefused(f"{path} is damaged: it has {len(content) - begin} bytes of data instead of {wanted}")
    body: Any = np.frombuffer(content, np.uint8, offset=begin)
    return body.reshape(sizes)  # type: ignore[no-any-return]
