"""Kernels on disk: a change in any kernel file makes all of them anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import numpy as np
from refmem.neighbours.kernels import top
rows = np.array([[1.0, 2.0], [3.0, 4.0]])
cosines, slots = np.zeros(2), np.zeros(2, np.int64)
top.finish(cosines, slots, 0)
stats = top.finish.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def test_no_kernel_is_older_than_the_kernels_it_calls(tmp_path):
    shutil.copytree(ROOT / "refmem", tmp_path / "refmem", ignore=shutil.ignore_patterns("__pycache__", "vectors"))

    def run():
        done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True, capture_output=True, text=True,
                              env=dict(os.environ, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "kept")))
        return done.stdout.split()

    assert run() == ["0", "1"]  # compiled
    assert run() == ["1", "0"]  # read
    other = tmp_path / "refmem" / "neighbours" / "kernels" / "tile.py"  # not the file of the kernel
    other.write_text(other.read_text() + "\n# changed\n")
    assert run() == ["0", "1"]  # compiled again
