"""What a command leaves behind: a folder of its own, written whole file by whole file."""

import contextlib
import csv
import io
import json
import platform
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import refmem
from refmem.storage import replacing

RUNS = Path("runs")


def new_folder(name: str) -> Path:
    """runs/NAME-1, or the first number that is not taken."""
    number = 1
    while (RUNS / f"{name}-{number}").exists():
        number += 1
    return RUNS / f"{name}-{number}"


def latest_folder(name: str, holding: str) -> Path:
    """The runs/NAME-NUMBER with the highest number that holds a file of this name.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    numbered = {int(tail): folder for folder in RUNS.glob(f"{name}-*")
                if (tail := folder.name.removeprefix(f"{name}-")).isdecimal() and (folder / holding).exists()}
    if not numbered:
        raise FileNotFoundError(f"there is no run to resume: no {RUNS / name}-NUMBER holds a {holding}; "
                                "name its folder with --out")
    return numbered[max(numbered)]


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Make the folder, and find out now rather than after the training whether it can be written.

    Where the command fails before it has written anything, a folder that was made for it goes again.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"the output folder {folder} cannot be written: {error.strerror}") from error
    try:
        yield
    except BaseException:
        if new and not any(folder.iterdir()):
            folder.rmdir()
        raise


def write_text(path: Path, text: str) -> None:
    """The whole text or nothing."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: Any) -> None:
    """As text that people can read too."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """One column for each key of any row, in the order of their first appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def version_of(library: str) -> str | None:
    """Of an extra that may not be installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Of everything that a figure may depend on."""
    libraries = {name: metadata.version(name) for name in ("numpy", "numba", "pillow")}
    return {"refmem": refmem.__version__, "python": platform.python_version(), **libraries,
            "machine": f"{platform.system()} {platform.machine()}"}
