"""Fuzz targets: for each format that is read, whole files to start from, and what must be true of a broken one.

`target(folder)` returns `(whole, check)`. `check(broken)` reads bytes that were `whole` once, and returns whether they
were accepted. It lets nothing out but an AssertionError: any exception that is not the format's refusal is a crash, and
what is accepted and yet is not what was saved is a silent acceptance.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from refmem.storage import FileRefused

Check = Callable[[bytes], bool]


def reader(path: Path, read: Callable[[], Any], holds: Callable[[Any], None], *,
           refused: type[Exception] = FileRefused) -> Check:
    """A check: put the bytes at `path` and `read` it; `holds` asserts what must be true of what was accepted."""
    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = read()
        except refused:
            return False
        holds(found)
        return True

    return check
