"""Files of arrays: written whole or not at all, read without trust.

A file is an uncompressed `.npz` without pickles. Besides its arrays it holds one text, the manifest: what kind of
thing it is, the version of that kind, whatever small facts the writer adds, and a digest of each array.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MANIFEST = "__manifest__"


class FileRefused(ValueError):
    """The file is damaged, of another kind, or of a version that this refmem does not read."""


def digest(array: npt.NDArray[Any]) -> str:
    """SHA-256 of the dtype, the shape and the contents."""
    plain = np.ascontiguousarray(array)
    header = f"{plain.dtype.str}{plain.shape}".encode()
    return hashlib.sha256(header + plain.tobytes()).hexdigest()


def save(path: str | os.PathLike[str], kind: str, version: int, facts: Mapping[str, Any],
         arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write `arrays` and `facts` to `path`, which holds either the old contents or the new ones, never a part.

    Raises
    ------
    OSError
        If the folder cannot be written. The file that was there stays as it was.
    """
    path = Path(path)
    manifest = {"kind": kind, "version": version, "facts": dict(facts),
                "digests": {name: digest(array) for name, array in arrays.items()}}
    with replacing(path) as file:
        np.savez(file, **{MANIFEST: np.array(json.dumps(manifest))}, **dict(arrays))  # type: ignore[arg-type]


def load(path: str | os.PathLike[str], kind: str, version: int) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read what `save` wrote: (facts, arrays).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileRefused
        If it is damaged, or not of this kind and version.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise FileRefused(f"{path} is damaged or not a file of refmem: it is no archive of arrays")
        with np.load(path, allow_pickle=False) as stored:
            if MANIFEST not in stored:
                raise FileRefused(f"{path} is not a file of refmem: it has no manifest")
            manifest = json.loads(str(stored[MANIFEST]))
            arrays = {name: stored[name] for name in stored.files if name != MANIFEST}
        found, found_version, facts, digests = (manifest[key] for key in ("kind", "version", "facts", "digests"))
    except (FileNotFoundError, IsADirectoryError, PermissionError, FileRefused):
        raise
    except Exception as error:  # a damaged zip can raise almost anything
        raise FileRefused(f"{path} is damaged or not a file of refmem ({error})") from error

    if found != kind:
        raise FileRefused(f"{path} holds a {found}, not a {kind}")
    if found_version != version:
        raise FileRefused(f"{path} is a {kind} of version {found_version}; this refmem reads version {version}")
    if set(digests) != set(arrays) or any(digest(arrays[name]) != digests[name] for name in arrays):
        raise FileRefused(f"{path} is damaged: its arrays are not those that were saved")
    return facts, arrays


class replacing:
    """A file to write beside `path`, put in its place on success and removed on failure.

    >>> with replacing("report.json") as file:                      # doctest: +SKIP
    ...     file.write(b"{}")
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __enter__(self) -> Any:
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".part", dir=self.path.parent)
        self.part = Path(name)
        self.file = os.fdopen(handle, "wb")
        return self.file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        failed = error
        try:
            if kind is None:
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
                self.part.chmod(0o644)
                os.replace(self.part, self.path)
        except OSError as own:
            failed = own
        finally:
            with contextlib.suppress(OSError):  # a full disk refuses what is still to be written, too
                self.file.close()
            self.part.unlink(missing_ok=True)
        if isinstance(failed, OSError) and failed.errno is not None and failed.filename is None:
            # Which file it was, the system does not say of a disk that is full.
            raise OSError(failed.errno, failed.strerror, str(self.path)) from failed
        if failed is not error:
            raise failed
