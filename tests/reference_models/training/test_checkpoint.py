"""Checkpoints: all comes back, and what is not a whole checkpoint of this task is refused with a sentence."""

import numpy as np
import pytest

from refmem import storage
from reference_models.training import adam, checkpoint
from reference_models.training.checkpoint import Checkpoint
from reference_models.training.schedule import Counters


def example() -> Checkpoint:
    rng = np.random.default_rng(5)
    params = {"layer.w": rng.normal(size=(2, 3)).astype(np.float32), "b": rng.normal(size=4)}
    state = adam.start(params)
    adam.update(params, {name: np.ones_like(w) for name, w in params.items()}, state, adam.Adam())
    return Checkpoint("sums", {"seed": 5, "size": "small"}, params, state, rng.bit_generator.state,
                      Counters(3, 480, 1.25), [{"episode": 1, "loss": 0.1}], {"memory": {"keys": np.eye(2)}},
                      {"memory": {"key_dim": 2}})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, example())
    return path


def test_everything_comes_back(path):
    before, after = example(), checkpoint.load(path, "sums")
    assert (after.settings, after.counters, after.curve, after.notes, after.rng) == (
        before.settings, before.counters, before.curve, before.notes, before.rng)
    assert after.adam.step == 1
    for group in ("params", "first", "second"):
        old = before.params if group == "params" else getattr(before.adam, group)
        new = after.params if group == "params" else getattr(after.adam, group)
        assert old.keys() == new.keys()
        for name in old:
            assert new[name].dtype == old[name].dtype
            np.testing.assert_array_equal(new[name], old[name])
    np.testing.assert_array_equal(after.extras["memory"]["keys"], np.eye(2))


def test_the_generator_goes_on_where_it_stopped(path):
    rng = np.random.default_rng(5)
    rng.normal(size=10)  # what `example` drew
    assert checkpoint.generator(checkpoint.load(path, "sums").rng).random() == rng.random()


def test_another_task_is_refused(path):
    with pytest.raises(storage.FileRefused, match="of the task 'sums', not of 'omniglot'"):
        checkpoint.load(path, "omniglot")


def test_an_older_version_is_refused(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)
    with pytest.raises(storage.FileRefused, match="version"):
        checkpoint.load(path, "sums")


def test_a_foreign_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(storage.FileRefused, match="not a file of refmem"):
        checkpoint.load(tmp_path / "other.npz", "sums")


def test_another_kind_of_file_is_refused(tmp_path):
    storage.save(tmp_path / "memory.npz", "memory", 1, {}, {"keys": np.ones(3)})
    with pytest.raises(storage.FileRefused, match="holds a memory"):
        checkpoint.load(tmp_path / "memory.npz", "sums")


def test_a_missing_part_is_refused(tmp_path):
    facts = {"task": "sums", "settings": {}}
    storage.save(tmp_path / "part.npz", checkpoint.KIND, checkpoint.VERSION, facts, {"params/w": np.ones(3)})
    with pytest.raises(storage.FileRefused, match="lacks a part"):
        checkpoint.load(tmp_path / "part.npz", "sums")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none.npz", "sums")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[:int(part * len(whole))])
    with pytest.raises(storage.FileRefused, match="damaged"):
        checkpoint.load(path, "sums")


def test_a_flipped_byte_anywhere_is_refused_or_harmless(path):
    """Wherever a byte changes, the file is refused, or what is read is what was saved (not all of a zip is read)."""
    whole = bytearray(path.read_bytes())
    refused = 0
    for position in range(0, len(whole), 97):
        damaged = whole.copy()
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            after = checkpoint.load(path, "sums")
        except storage.FileRefused:
            refused += 1
            continue
        for name, w in example().params.items():
            np.testing.assert_array_equal(after.params[name], w)
    assert refused > 0


def test_a_save_that_fails_leaves_the_old_checkpoint(path, monkeypatch):
    before = path.read_bytes()

    def full_disk(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, example())
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_settings_that_are_needed_must_be_there(path):
    assert checkpoint.load(path, "sums", needs=["seed", "size"]).settings["seed"] == 5
    with pytest.raises(storage.FileRefused, match="does not say how its run was started"):
        checkpoint.load(path, "sums", needs=["seed", "recipe"])


@pytest.mark.parametrize("stored", [{"w": np.ones(3)}, {"w": np.ones(2), "v": np.ones(2)}, {"v": np.ones(2)}])
def test_weights_of_another_network_are_refused_and_none_is_written(stored):
    params = {"w": np.zeros(2)}
    with pytest.raises(storage.FileRefused, match="weights of another network"):
        checkpoint.put_params(params, stored)
    np.testing.assert_array_equal(params["w"], 0)


def test_weights_are_written_in_place():
    params = {"w": np.zeros(2, np.float32)}
    before = params["w"]
    checkpoint.put_params(params, {"w": np.ones(2)})
    assert params["w"] is before and before.tolist() == [1, 1]


@pytest.mark.parametrize("settings", [{}, {"recipe": None}, {"recipe": {"warmth": 0.1}}, {"recipe": {"form": "mine"}}])
def test_a_recipe_of_another_version_is_refused(settings):
    saved = example()
    saved.settings |= settings

    def read(facts):
        return adam.Adam(**facts)

    with pytest.raises(storage.FileRefused, match="a recipe that this version cannot read; start it anew"):
        checkpoint.recipe_of(saved, read)
    saved.settings["recipe"] = {"rate": 0.25}
    assert checkpoint.recipe_of(saved, read).rate == 0.25
