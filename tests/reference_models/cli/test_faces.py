"""The command `faces`: what it prints and writes, how it goes on, and what it refuses."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reference_models.cli import pictures
from reference_models.cli.main import main
from reference_models.tasks.faces import made_up

HAVE_PICTURES = pictures.available
TINY = ["faces", "--people", "3", "--test-people", "1", "--updates", "3", "--batch", "4", "--units", "6"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(made_up, "load", functools.partial(made_up.load, takes=1))
    monkeypatch.setattr(pictures, "available", lambda: False)  # they take a second
    monkeypatch.chdir(tmp_path)


def test_json_is_one_object_and_the_files_are_there(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    models = ["irnn", "lstm", "convnet"]
    assert main([*TINY, "--model", *models, "--json", "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert {row["model"] for row in facts["rows"]} == set(models)
    assert all(0 <= row["accuracy"]["0"] <= 100 for row in facts["rows"]) and 0 <= facts["nearest"] <= 100
    assert "made-up faces" in facts["data"]
    names = {path.name for path in Path("run").iterdir()}
    assert names >= {"experiment.json", "results.json", "curves.csv", "convnet-6-0.npz"}
    if pictures.available():
        assert names >= {"curves.png", "faces.png"}


PIE = ["faces", "--data", "pie", "--test-people", "1", "--updates", "2", "--batch", "2", "--units", "4",
       "--model", "irnn", "--out", "run"]


def write_multi_pie(side):
    for person in (1, 2, 3):
        for recording in (1, 2):
            path = Path(f"pie/{person:03d}_01_{recording:02d}_051_07.png")
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.random.default_rng(person).integers(0, 256, (side, side)).astype(np.uint8)).save(path)


def test_a_folder_of_multi_pie_is_learnt_from(capsys):
    write_multi_pie(48)
    assert main(PIE) == 0
    assert "Multi-PIE (2/1 people, 4/2" in " ".join(capsys.readouterr().out.split())


def test_pictures_of_another_size_and_damaged_ones_are_refused(capsys):
    write_multi_pie(64)
    assert main(PIE) == 2
    assert "must be 48 x 48 pixels, got 64 x 64" in capsys.readouterr().err
    write_multi_pie(48)
    path = Path("pie/002_01_01_051_07.png")
    path.write_bytes(path.read_bytes()[:600])
    assert main(PIE) == 2
    captured = capsys.readouterr()
    assert f"{path} is damaged" in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not Path("run").exists()


@pytest.mark.parametrize(("arguments", "message"), [
    (["--data", "nowhere"], "there is no folder nowhere"),
    (["--data", "."], "does not hold Multi-PIE"),
    (["--data", ".", "--people", "5"], "--people says how many are made up"),
    (["--people", "1", "--test-people", "1"], "there must be at least 2 people to learn from"),
    (["--people", "2", "--test-people", "1", "--decay", "2"], "decay must lie in [0, 1], got 2.0"),
    (["--people", "2", "--test-people", "1", "--batch", "1000"], "a batch has 1000 examples"),
    (["--resume", "--out", "nowhere"], "there is nothing to resume in nowhere"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    assert main(["faces", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not list(Path().rglob("*.npz"))
