"""MNIST's files: read as they are, and refused with a sentence when they are not whole."""

import gzip
import struct

import numpy as np
import pytest

from refmem.storage import FileRefused
from support.data import folder

from reference_models.tasks.glimpses import mnist


def idx(kind, array):
    return struct.pack(f">{1 + array.ndim}I", kind, *array.shape) + array.tobytes()


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 5), ("t10k", 3)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(2051, images)))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(2049, np.arange(count, dtype=np.uint8)))
    return tmp_path


def test_packed_or_not(files):
    parts = mnist.load(files)
    assert parts["train"][0].shape == (5, 28, 28) and parts["test"][1].tolist() == [0, 1, 2]


def test_the_folder_above_will_do_too(files, tmp_path_factory):
    above = tmp_path_factory.mktemp("above")
    files.rename(above / "mnist")
    assert mnist.load(above)["train"][1].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("name", "content", "message"), [
    ("train-images-idx3-ubyte.gz", b"no gzip at all", "is damaged: Not a gzipped file"),
    ("train-images-idx3-ubyte.gz", gzip.compress(idx(2051, np.zeros((5, 28, 28), np.uint8)))[:-20], "is damaged"),
    ("train-images-idx3-ubyte.gz", gzip.compress(b"\0\0"), "ends within its header"),
    ("train-images-idx3-ubyte.gz", gzip.compress(idx(2049, np.zeros(5, np.uint8)) + b"0" * 20), "does not hold images"),
    ("train-images-idx3-ubyte.gz", gzip.compress(idx(2051, np.zeros((5, 28, 28), np.uint8))[:-1]),
     "has 3919 bytes of data instead of 3920"),
    ("train-images-idx3-ubyte.gz", gzip.compress(idx(2051, np.zeros((5, 32, 32), np.uint8))),
     "has images of 32 x 32 pixels, not 28 x 28"),
    ("train-labels-idx1-ubyte", idx(2049, np.arange(4, dtype=np.uint8)), "has 4 labels for 5 images"),
    ("train-labels-idx1-ubyte", idx(2049, np.full(5, 10, np.uint8)), "has the label 10"),
], ids=lambda value: "" if isinstance(value, bytes) else value)
def test_what_is_not_whole_is_refused(files, name, content, message):
    (files / name).write_bytes(content)
    with pytest.raises(FileRefused, match=message):
        mnist.load(files)


def test_a_missing_file_is_named(files):
    (files / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="there is no t10k-labels-idx1-ubyte.gz in"):
        mnist.load(files)


def test_the_real_ones():
    parts = mnist.load(folder("mnist"))
    assert parts["train"][0].shape == (60_000, 28, 28) and len(parts["test"][1]) == 10_000
    assert np.bincount(parts["train"][1]).tolist()[:3] == [5923, 6742, 5958]
