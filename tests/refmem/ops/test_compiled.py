"""Compiled kernels: found on disk, refused when damaged, made again, and numba stays out of the process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refmem.ops import compiled

ROOT = Path(__file__).parents[3]
MODULE = "refmem.ops.conv2d_relu_kernels"


def slide():
    """y of one image of ones and one filter of ones, straight from the loaded functions."""
    functions = compiled._functions(MODULE, "float64")
    y, frame, weights = np.zeros((1, 2, 2)), np.ones((1, 4, 4)), np.arange(10.0)
    functions["slide"](1, 2, 2, 1, *(array.__array_interface__["data"][0] for array in (frame, weights, y)))
    return y


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_folders", lambda source: [tmp_path])
    return tmp_path


def test_code_is_made_once_and_a_damaged_file_is_not_loaded(cache, monkeypatch):
    assert (slide() == 45).all()
    [file] = cache.iterdir()
    whole = file.read_bytes()
    monkeypatch.setattr(compiled, "_compile", None)  # what is whole is not compiled again
    assert (slide() == 45).all()
    for damaged in (whole[:-5], whole[:100], b"", b"\n", whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert compiled._read(file) == ({}, b"")


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path):
    (tmp_path / "file").touch()
    assert not compiled._keep(b"code", tmp_path / "file" / "kernels.code")


def test_what_cannot_be_compiled_is_a_sentence(cache):
    with pytest.raises(RuntimeError, match="the kernels refmem.ops.relu could not be compiled: .*KERNELS"):
        compiled._functions("refmem.ops.relu", "float32")


def test_numba_stays_outside():
    code = ("import sys, numpy as np; from refmem.ops import conv2d_winograd as op; "
            "op.forward(np.zeros((1, 4, 4, 1)), np.zeros((3, 3, 1, 1)), np.zeros(1)); "
            "sys.exit('numba' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
