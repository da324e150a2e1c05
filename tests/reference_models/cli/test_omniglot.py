"""The command `omniglot`: what it prints and writes, how it resumes, and what it refuses."""

import csv
import functools
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import small_run

from reference_models.cli import pictures
from reference_models.cli.main import main
from reference_models.cli.omniglot import job
from reference_models.tasks.one_shot import life_long
from reference_models.training import checkpoint

HAVE_PICTURES = pictures.available
TINY = ["omniglot", "--episodes", "4", "--test-episodes", "4", "--shots", "2", "--ways", "5"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    small_run.shrink(monkeypatch.setattr, monkeypatch.setitem)
    monkeypatch.setattr(pictures, "available", lambda: False)  # they take a second
    monkeypatch.chdir(tmp_path)


def same_bits(one: Path, other: Path) -> None:
    """Both checkpoints hold the same run; only the clock may differ."""
    a, b = (checkpoint.load(path / "checkpoint.npz", "omniglot") for path in (one, other))
    assert (a.counters.episodes, a.counters.images, a.adam.step, a.rng) == (
        b.counters.episodes, b.counters.images, b.adam.step, b.rng)
    assert [p | {"seconds": 0} for p in a.curve] == [p | {"seconds": 0} for p in b.curve]
    groups = [(a.params, b.params), (a.adam.first, b.adam.first), (a.adam.second, b.adam.second)]
    groups += [(a.extras[name], b.extras[name]) for name in a.extras]
    assert a.extras.keys() == b.extras.keys()
    for old, new in groups:
        assert old.keys() == new.keys()
        for name in old:
            np.testing.assert_array_equal(old[name], new[name])


# --- What it prints and writes --------------------------------------------------------------------------------------


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


# --- Stopping and resuming ------------------------------------------------------------------------------------------


def test_a_run_stopped_after_any_episode_resumes_to_the_same_bits(monkeypatch, capsys):
    assert main(TINY + ["--out", "whole"]) == 0
    from reference_models.training.one_shot.classifier import OneShotTraining

    advance, stops = OneShotTraining.advance, iter([1, 2, 3])

    def stopped(self, spent):
        figures = advance(self, spent)
        if self.counters.episodes + 1 == stop:
            os.kill(os.getpid(), signal.SIGINT)
        return figures

    monkeypatch.setattr(OneShotTraining, "advance", stopped)
    stop = next(stops)
    assert main(TINY + ["--out", "cut"]) == 130
    for stop in (*stops, -1):
        assert checkpoint.load("cut/checkpoint.npz", "omniglot").counters.episodes < 4
        assert main(["omniglot", "--resume", "--out", "cut", *TINY[3:]]) == (130 if stop > 0 else 0)
    assert "go on with: python -m reference_models omniglot --resume --out cut" in capsys.readouterr().err
    same_bits(Path("whole"), Path("cut"))


def test_ctrl_c_in_a_real_process_at_various_moments_leaves_a_run_that_ends_in_the_same_bits(tmp_path, capsys):
    long = ["omniglot", "--episodes", "60", *TINY[3:]]
    tests = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}

    def start(*arguments):
        program = "import sys; from support.small_run import main; sys.exit(main())"
        return subprocess.Popen([sys.executable, "-c", program, *arguments, "--out", "cut"], env=environment,
                                stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    process = start(*long)
    stops = 0
    for wait in (0.3, 0.9):
        process.stderr.readline()  # "output goes to cut": it has begun
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        if process.returncode == 0:
            break  # a fast machine was done before
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        stops += 1
        held = (tmp_path / "cut" / "checkpoint.npz").exists()
        process = start("omniglot", "--resume", *TINY[3:]) if held else start(*long)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert not list((tmp_path / "cut").glob("*.part")) and not list((tmp_path / "cut").glob(".*"))
    assert main([*long, "--out", "whole"]) == 0
    same_bits(Path("whole"), Path("cut"))


def test_resume_finds_the_latest_run_and_may_extend_its_budget(capsys):
    assert main(TINY) == 0
    before = checkpoint.load("runs/omniglot-1/checkpoint.npz", "omniglot")
    assert main(["omniglot", "--resume", "--episodes", "5", *TINY[3:]]) == 0
    after = checkpoint.load("runs/omniglot-1/checkpoint.npz", "omniglot")
    assert (before.counters.episodes, after.counters.episodes) == (4, 5)
    assert after.counters.seconds > before.counters.seconds


def test_resuming_a_finished_run_only_measures_again(capsys):
    assert main(TINY + ["--out", "run", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["omniglot", "--resume", "--out", "run", *TINY[3:], "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert first == second


# --- What it refuses ------------------------------------------------------------------------------------------------


def refused(capsys, *arguments: str) -> str:
    """The sentence with which the command refuses; stdout stays empty and no traceback is shown."""
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    *_, last = captured.err.splitlines()
    assert last.startswith("error: ") and "Traceback" not in captured.err
    return last


def test_more_ways_than_classes(capsys):
    assert "--ways 500 needs as many unseen classes, and there are only" in refused(capsys, *TINY, "--ways", "500")


def test_more_shots_than_drawings(capsys):
    assert "--shots 20 needs 21 drawings" in refused(capsys, *TINY, "--shots", "20")


def test_a_missing_folder_of_data(capsys):
    assert "nowhere is not a folder" in refused(capsys, *TINY, "--data", "nowhere")


def test_a_folder_that_is_not_omniglot(capsys):
    Path("photos").mkdir()
    assert "photos is not Omniglot" in refused(capsys, *TINY, "--data", "photos")


def test_a_damaged_zip(capsys):
    Path("data").mkdir()
    for half in ("images_background", "images_evaluation"):
        Path(f"data/{half}.zip").write_bytes(b"PK not really")
    assert "damaged, or not a zip" in refused(capsys, *TINY, "--data", "data")


def test_a_split_without_data(capsys):
    assert "--split" in refused(capsys, *TINY, "--split", "paper")


def test_a_folder_that_holds_a_run_is_not_overwritten(capsys):
    assert main(TINY + ["--out", "run"]) == 0
    before = Path("run/checkpoint.npz").read_bytes()
    capsys.readouterr()
    assert "already holds a run; add --resume" in refused(capsys, *TINY, "--out", "run")
    assert Path("run/checkpoint.npz").read_bytes() == before


def test_an_output_folder_that_is_a_file(capsys):
    Path("run").write_text("mine")
    assert "cannot be written" in refused(capsys, *TINY, "--out", "run")
    assert Path("run").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_is_read_only(capsys):
    Path("run").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot be written" in refused(capsys, *TINY, "--out", "run")


def test_resuming_where_nothing_is(capsys):
    assert "no run to resume" in refused(capsys, "omniglot", "--resume")
    Path("run").mkdir()
    assert "No such file" in refused(capsys, "omniglot", "--resume", "--out", "run")


def test_a_damaged_a_foreign_and_an_older_checkpoint(capsys, monkeypatch):
    assert main(TINY + ["--out", "run"]) == 0
    path = Path("run/checkpoint.npz")
    whole = path.read_bytes()
    capsys.readouterr()

    path.write_bytes(whole[:-1000])
    assert "damaged" in refused(capsys, "omniglot", "--resume", "--out", "run")
    np.savez(path, weights=np.ones(3))
    assert "not a file of refmem" in refused(capsys, "omniglot", "--resume", "--out", "run")
    path.write_bytes(whole)
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)
    assert f"version {checkpoint.VERSION - 1}" in refused(capsys, "omniglot", "--resume", "--out", "run")
    assert path.read_bytes() == whole


@pytest.mark.parametrize("contradiction", [["--seed", "9"], ["--size", "paper"], ["--profile", "tf2017"]])
def test_a_resumed_run_cannot_be_made_another(contradiction, capsys):
    assert main(TINY + ["--out", "run"]) == 0
    capsys.readouterr()
    assert "the run was started with" in refused(capsys, "omniglot", "--resume", "--out", "run", *contradiction)


def test_a_search_without_a_long_life_is_refused(capsys):
    assert "--search is about" in refused(capsys, "omniglot", "--search", "sketch")


@pytest.mark.parametrize("wrong", [["--minutes", "0"], ["--minutes", "nan"], ["--episodes", "-1"], ["--ways", "0"],
                                   ["--seed", "-1"], ["--search", "guess"], ["--episodes", "1", "--minutes", "1"]])
def test_impossible_options_are_refused_by_the_parser(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["omniglot", *wrong])
    assert stopped.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_command_that_fails_early_leaves_no_empty_folder(tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "own").mkdir()
    command = ["omniglot", "--data", str(tmp_path / "nothing"), "--episodes", "1", "--out"]
    assert main([*command, str(tmp_path / "run")]) == 2
    assert not (tmp_path / "run").exists()
    assert main([*command, str(tmp_path / "own")]) == 2
    assert (tmp_path / "own").exists()  # a folder that was there before stays
