"""A saved memory comes back whole, and what is not a whole memory is refused."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memories import PROFILES, a_batch, assert_unchanged, everything_in, with_a_past

from refmem import storage
from refmem.memory import PAPER, TF2017, Memory
from refmem.storage import FileRefused


def lived(name, seed=0, dtype=np.float64, **changes):
    rng = np.random.default_rng(seed)
    return with_a_past(PROFILES[name], rng, key_dim=4, memory_size=9, batch=3, classes=4, steps=5, dtype=dtype,
                       **changes)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(PROFILES)), st.integers(0, 999), st.sampled_from([np.float32, np.float64]),
       st.integers(2, 300), st.integers(1, 3))
def test_a_memory_comes_back_as_it_was(tmp_path_factory, name, seed, dtype, k, correct_in_top):
    path = tmp_path_factory.mktemp("memory") / "memory.npz"
    memory = lived(name, seed, dtype, k=k, correct_in_top=correct_in_top)
    memory.save(path)
    loaded = Memory.load(path)
    assert_unchanged(loaded, everything_in(memory))
    assert loaded.profile == memory.profile
    assert (loaded.key_dim, loaded.memory_size, loaded.vocab_size) == (4, 9, memory.vocab_size)
    for name_, array in everything_in(memory).items():
        assert everything_in(loaded)[name_].dtype == array.dtype

    batch = a_batch(np.random.default_rng(seed), 3, 4, 4, dtype)  # and lives on in the same way
    one, one_cache = memory.forward(*batch, rng=np.random.default_rng(1))
    two, two_cache = loaded.forward(*batch, rng=np.random.default_rng(1))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(memory.backward(one_cache)[0], loaded.backward(two_cache)[0])
    assert_unchanged(loaded, everything_in(memory))


def test_saving_over_a_file_replaces_it_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "memory.npz"
    lived("paper").save(path)
    second = lived("tf2017")
    second.save(path)
    assert_unchanged(Memory.load(path), everything_in(second))
    assert os.listdir(tmp_path) == ["memory.npz"]


def test_numbers_of_numpy_are_numbers(tmp_path):
    memory = Memory(np.int64(4), np.int64(9), profile=TF2017, vocab_size=np.int64(5))
    memory.save(tmp_path / "memory.npz")
    assert Memory.load(tmp_path / "memory.npz").vocab_size == 5


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Memory.load(tmp_path / "nothing.npz")


def test_a_file_cut_short_or_changed_anywhere_is_refused(tmp_path):
    path = tmp_path / "memory.npz"
    lived("tf2017").save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileRefused, match=r"memory\.npz"):
            Memory.load(path)
    path.write_bytes(whole)
    reference = everything_in(Memory.load(path))
    for place in rng.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            loaded = Memory.load(path)
        except FileRefused:
            continue
        assert_unchanged(loaded, reference)  # a byte that nothing reads, such as a date of the archive


@pytest.mark.parametrize("contents", [b"", b"hello", b"PK\x03\x04 not really", b"\x93NUMPY"])
def test_a_foreign_file_is_refused(tmp_path, contents):
    path = tmp_path / "foreign.npz"
    path.write_bytes(contents)
    with pytest.raises(FileRefused):
        Memory.load(path)


def test_arrays_of_someone_else_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", keys=np.zeros((2, 2)))
    with pytest.raises(FileRefused, match="manifest"):
        Memory.load(tmp_path / "other.npz")


def test_another_kind_and_another_version_are_refused(tmp_path):
    path = tmp_path / "memory.npz"
    lived("paper").save(path)
    manifest = json.loads(str(np.load(path)[storage.MANIFEST]))
    facts, arrays = storage.load(path, manifest["kind"], manifest["version"])
    storage.save(path, "checkpoint", manifest["version"], facts, arrays)
    with pytest.raises(FileRefused, match="checkpoint"):
        Memory.load(path)
    for version in (manifest["version"] - 1, manifest["version"] + 1):
        storage.save(path, manifest["kind"], version, facts, arrays)
        with pytest.raises(FileRefused, match=f"version {version}"):
            Memory.load(path)


def test_a_sound_file_with_unsound_contents_is_refused(tmp_path):
    path = tmp_path / "memory.npz"
    lived("tf2017").save(path)
    manifest = json.loads(str(np.load(path)[storage.MANIFEST]))
    kind, version = manifest["kind"], manifest["version"]
    facts, arrays = storage.load(path, kind, version)
    array_names = {name.rpartition(".")[2]: name for name in arrays}

    def refused(new_facts, new_arrays):
        storage.save(path, kind, version, new_facts, new_arrays)
        with pytest.raises(FileRefused):
            Memory.load(path)

    for name in arrays:
        refused(facts, {other: array for other, array in arrays.items() if other != name})
        refused(facts, arrays | {name: arrays[name][:-1]})
    for fact in facts:
        refused({other: value for other, value in facts.items() if other != fact}, arrays)
        refused(facts | {fact: "nonsense"}, arrays)
    for short, bad in (("keys", np.nan), ("ages", -1), ("sources", -2), ("recent", 9), ("recent", -1),
                       ("query_projection", np.nan)):
        changed = arrays[array_names[short]].copy()
        changed.flat[0] = bad
        refused(facts, arrays | {array_names[short]: changed})
    refused(facts, arrays | {array_names["values"]: arrays[array_names["values"]].astype(np.float64)})
    refused(facts | {"memory_size": 10}, arrays)
    refused(facts | {"profile": facts["profile"] | {"k": 0}}, arrays)
    refused(facts | {"profile": facts["profile"] | {"unheard_of": 1}}, arrays)


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    memory = lived("paper")
    before = everything_in(memory)
    with pytest.raises(OSError):
        memory.save(tmp_path / "no such folder" / "memory.npz")
    assert_unchanged(memory, before)


def test_a_changed_profile_comes_back_changed(tmp_path):
    profile = replace(PAPER, k=3, alpha=0.25, age_noise=2.0, correct_in_top=2)
    Memory(2, 3, profile=profile).save(tmp_path / "memory.npz")
    assert Memory.load(tmp_path / "memory.npz").profile == profile
