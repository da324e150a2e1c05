"""The command `omniglot`: what it prints and writes."""

import csv
import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.small_run import TINY, same_bits

from reference_models.cli import pictures
from reference_models.cli.main import main
from reference_models.cli.omniglot import job
from reference_models.tasks.one_shot import life_long

HAVE_PICTURES = pictures.available


def test_a_run_prints_a_table_and_a_sentence_and_leaves_its_files(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    assert main(TINY + ["--out", "run"]) == 0
    captured = capsys.readouterr()
    assert "5-way" in captured.out and "characters never seen" in captured.out
    assert captured.out.rstrip().endswith(").") and "Learnt in" in captured.out.splitlines()[-1]
    assert "output goes to run" in captured.err
    expected = {"checkpoint.npz", "results.json", "curve.csv"}
    if pictures.available():
        expected |= {"curve.png", "episode.png"}
        for name in ("curve.png", "episode.png"):
            with Image.open(tmp_path / "run" / name) as image:
                assert min(image.size) > 200
    assert {path.name for path in Path("run").iterdir()} == expected

    with open("run/curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["episode"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["unseen_5_way_1_shot"] and not rows[0]["unseen_5_way_1_shot"]


@pytest.mark.parametrize("profile", ["paper", "tf2017"])
def test_json_is_one_object_and_nothing_else(profile, capsys):
    assert main([*TINY, "--ways", "3", "5", "--seed", "7", "--profile", profile, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    results = json.loads(out)
    assert results.keys() >= {"accuracy", "confidence_interval", "seconds", "episodes", "seed", "data", "versions"}
    assert results["accuracy"].keys() == {"3", "5"} and results["accuracy"]["5"].keys() == {"1", "2"}
    assert all(0 <= a <= 1 for by_shots in results["accuracy"].values() for a in by_shots.values())
    assert results["confidence_interval"]["half_width"]["3"].keys() == {"1", "2"}
    assert (results["episodes"], results["seed"], results["out"]) == (4, 7, "runs/omniglot-1")
    assert "glyphs" in results["data"] and results["versions"]["numpy"] == np.__version__
    assert json.loads(Path("runs/omniglot-1/results.json").read_text()) == results


def test_the_same_seed_gives_the_same_run_and_another_seed_another(capsys):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main([*TINY, "--seed", seed, "--out", out]) == 0
    same_bits(Path("a"), Path("b"))
    with pytest.raises(AssertionError):
        same_bits(Path("a"), Path("c"))


def test_each_run_gets_a_folder_of_its_own(capsys):
    assert main(TINY) == 0 and main(TINY) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["omniglot-1", "omniglot-2"]


def test_without_matplotlib_it_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(TINY + ["--out", "run"]) == 0
    out = capsys.readouterr().out
    assert pictures.MISSING in out and "Learnt in" in out.splitlines()[-1]
    assert not list(Path("run").glob("*.png"))


def test_a_long_life_is_a_table_a_file_a_picture_and_part_of_the_sentence(monkeypatch, capsys):
    lives = functools.partial(life_long.lives, lags=(10, 100), steps=400, window=100)
    monkeypatch.setattr(life_long, "lives", lives)
    monkeypatch.setattr(job, "LIFE_LONG_MEMORY", 512)
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    assert main([*TINY, "--life-long", "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert "never cleared" in out and "after 10 steps" in out.splitlines()[-1]
    with open("run/life_long.csv", newline="") as file:
        assert [row["lag"] for row in csv.DictReader(file)] == ["10", "100"]
    assert [row["lag"] for row in json.loads(Path("run/results.json").read_text())["life_long"]] == [10, 100]
    assert Path("run/life_long.png").exists() or not HAVE_PICTURES()


@pytest.mark.parametrize("protocol", ["online", "rounds"])
def test_the_protocol_of_the_evaluation_is_stated(protocol, capsys):
    assert main([*TINY, "--protocol", protocol, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["protocol"] == protocol


def test_a_goal_ends_the_training_early(capsys):
    assert main(["omniglot", "--episodes", "40", "--goal", "0.001", *TINY[3:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 20
