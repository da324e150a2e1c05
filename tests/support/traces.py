"""The recorded steps of the released memory, where the data folder has them."""

import os
from pathlib import Path

import numpy as np
import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("REFMEM_DATA", BESIDE)) / "tf2017_traces"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))

needed = pytest.mark.skipif(not NAMES, reason=f"no traces in {FOLDER}; set REFMEM_DATA to the data folder")


def load(name):
    """Arrays [T, ...] and scalars of one trace, by name."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] if stored[key].ndim else stored[key].item() for key in stored.files}
