"""The command `glimpses`: what it prints and writes, how it goes on, and what it refuses."""

import gzip
import json
import struct

import numpy as np
import pytest

from reference_models.cli import pictures
from reference_models.cli.glimpses import job
from reference_models.cli.main import main
from reference_models.training import sequences

TINY = ["glimpses", "--units", "4", "--updates", "4", "--batch", "8"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(sequences, "STRETCH", 2)
    monkeypatch.setattr(job, "MADE_UP", {"train": 40, "valid": 20, "test": 20})
    monkeypatch.setattr(job, "VALID", 6)
    monkeypatch.setattr(pictures, "available", lambda: False)
    monkeypatch.chdir(tmp_path)


def test_made_up_digits_go_on_and_models_can_be_added(capsys, tmp_path):
    assert main([*TINY, "--out", "run"]) == 0
    assert "Made-up digits" in capsys.readouterr().out
    assert main([*TINY, "--out", "run", "--resume", "--model", "fast-weights", "irnn", "lstm", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in facts["rows"]] == ["fast-weights", "irnn", "lstm"]
    assert all(row["paper"] is None and len(row["errors"]) == 1 for row in facts["rows"])
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"results.json", "curves.csv", "fast-weights-4-0.npz"} <= names


def write_mnist(folder, side=28):
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 30), ("t10k", 10)):
        images = rng.integers(0, 256, (count, side, side), dtype=np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">4I", 2051, *images.shape) + images.tobytes()))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">2I", 2049, count) + bytes(i % 10 for i in range(count))))


@pytest.mark.parametrize("order", ["return", "overview"])
def test_files_of_mnist(capsys, tmp_path, order):
    write_mnist(tmp_path)
    assert main([*TINY, "--data", ".", "--order", order, "--units", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["paper"] == 7.21


def test_moved_images_are_learnt_from_and_not_measured_on(capsys):
    assert main([*TINY, "--shift", "1", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    task = job.Glimpses(job.DEFAULTS | {"shift": settings["shift"]})
    assert {name: len(part.labels) for name, part in task.parts.items()} == {"train": 360, "valid": 20, "test": 20}


def refusal(capsys, *arguments):
    assert main([*TINY, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_bad_input_is_one_sentence_and_leaves_nothing(capsys, tmp_path):
    assert "there is no train-images-idx3-ubyte.gz" in refusal(capsys, "--data", "nowhere")
    assert "a batch has 41 examples, and there are only 40" in refusal(capsys, "--batch", "41")
    assert "shift must be at least 0 and less than the side of 28 pixels, got 28" in refusal(capsys, "--shift", "28")
    assert "decay must lie in [0, 1]" in refusal(capsys, "--decay", "2")
    assert "there is nothing to resume" in refusal(capsys, "--resume", "--out", "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_and_other_sizes_are_refused(capsys, tmp_path):
    write_mnist(tmp_path, side=32)
    assert "has images of 32 x 32 pixels, not 28 x 28" in refusal(capsys, "--data", ".")
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    assert "is damaged" in refusal(capsys, "--data", ".")
