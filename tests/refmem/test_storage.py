"""Files are whole or not there, and nothing else than what was saved is read back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem import storage

ARRAYS = {"keys": np.arange(600.0).reshape(20, 30), "ages": np.arange(20)}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "file.npz"
    storage.save(path, "thing", 3, {"seed": 1}, ARRAYS)
    return path


def test_what_is_saved_is_loaded(saved):
    facts, arrays = storage.load(saved, "thing", 3)
    assert facts == {"seed": 1}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_contents_give_the_same_bytes(saved, tmp_path):
    again = tmp_path / "again.npz"
    storage.save(again, "thing", 3, {"seed": 1}, ARRAYS)
    assert again.read_bytes() == saved.read_bytes()


@pytest.mark.parametrize("kind, version, sentence", [
    ("other", 3, "holds a thing, not a other"),
    ("thing", 4, "of version 3; this refmem reads version 4"),
])
def test_another_kind_or_version_is_refused(saved, kind, version, sentence):
    with pytest.raises(storage.FileRefused, match=sentence):
        storage.load(saved, kind, version)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_reads_as_it_was(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "file.npz"
    storage.save(path, "thing", 3, {"seed": 1}, ARRAYS)
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1:])
    try:
        facts, arrays = storage.load(path, "thing", 3)
    except storage.FileRefused:
        return
    assert facts == {"seed": 1}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("contents", [b"", b"not a zip", json.dumps({"kind": "thing"}).encode()])
def test_a_foreign_file_is_refused(tmp_path, contents):
    path = tmp_path / "foreign.npz"
    path.write_bytes(contents)
    with pytest.raises(storage.FileRefused, match="damaged or not a file of refmem"):
        storage.load(path, "thing", 3)


def test_an_npz_of_someone_else_is_refused(tmp_path):
    np.savez(tmp_path / "foreign.npz", keys=np.zeros(3))
    with pytest.raises(storage.FileRefused, match="no manifest"):
        storage.load(tmp_path / "foreign.npz", "thing", 3)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(saved):
    before = saved.read_bytes()
    with pytest.raises(RuntimeError), storage.replacing(saved) as file:
        file.write(b"half")
        raise RuntimeError("power cut")
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        storage.load(tmp_path / "nothing.npz", "thing", 3)
