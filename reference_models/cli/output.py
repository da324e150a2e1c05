"""What a command leaves behind: a folder of its own, written whole file by whole file."""

import contextlib
import csv
import io
import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import refmem
from refmem.storage import replacing

RUNS = Path("runs")
CHECKPOINT = "checkpoint.npz"
"""Of a command that trains one network."""


def say(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


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


def run_folder(name: str, holding: str, out: Path | None, *, resume: bool) -> Path:
    """Where a run is to be: `out`, or else a new folder or, where one is resumed, the latest.

    Raises
    ------
    OSError
        If a new run is to be where there is one already, or there is none to resume.
    """
    if resume:
        return out or latest_folder(name, holding)
    if out is None:
        return new_folder(name)
    if (out / holding).exists():
        raise FileExistsError(f"{out} already holds a run; add --resume to go on with it, or name another --out")
    return out


def check_unchanged(asked: Mapping[str, Any], before: Mapping[str, Any], *, but: Iterable[str] = ()) -> None:
    """Raise a `ValueError` if something is asked of a run that goes on, `but` apart, that it was not started with."""
    for name, value in asked.items():
        if value is not None and name not in but and value != before[name]:
            raise ValueError(f"the run was started with {name} {before[name]} and cannot go on with {value}")


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


def listed(folder: Path) -> str:
    """The files in a folder, in words."""
    return f"{', '.join(sorted(path.name for path in folder.iterdir()))} in {folder}"


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
