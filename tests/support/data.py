"""Where the real data lies: the folder in REFMEM_DATA, else ../shared/data beside the repository."""

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """The folder of one data set; where it is missing the test is skipped, and says so."""
    told = os.environ.get("REFMEM_DATA")
    data = Path(told) if told else Path(__file__).parents[2] / ".." / "shared" / "data"
    found = (data / name).resolve()
    if not found.is_dir():
        pytest.skip(f"no real data: there is no folder {found} (set REFMEM_DATA to the folder that holds {name})")
    return found
