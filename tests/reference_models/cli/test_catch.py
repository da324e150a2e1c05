"""The command `catch`: what it prints and writes, how it goes on, and what it refuses."""

import json
from pathlib import Path

import pytest

from reference_models.cli import pictures
from reference_models.cli.catch import job
from reference_models.cli.main import main
from reference_models.training import checkpoint
from support.stopping import stop_in

HAVE_PICTURES = pictures.available
TINY = ["catch", "--screen", "4x2", "--updates", "3", "--games", "4"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(job, "HIDDEN", 5)
    monkeypatch.setattr(job, "CELLS", 6)
    monkeypatch.setattr(job, "TEST_GAMES", 8)
    monkeypatch.setattr(pictures, "available", lambda: False)  # they take a second
    monkeypatch.chdir(tmp_path)


def test_json_is_one_object_and_the_files_are_there(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    assert main([*TINY, "--model", "irnn", "lstm", "--seeds", "2", "--json", "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert {row["model"] for row in facts["rows"]} == {"irnn", "lstm"}
    for row in facts["rows"]:
        assert row["screen"] == "4x2" and row["frames"].keys() == row["caught"].keys() == {"0", "1"}
        assert set(row["played"].values()) <= {4 * 4 * 3} and all(0 <= share <= 1 for share in row["caught"].values())
    assert json.loads(Path("run/results.json").read_text()) == facts
    names = {path.name for path in Path("run").iterdir()}
    assert names >= {"experiment.json", "results.json", "curves.csv", "irnn-4x2-0.npz", "lstm-4x2-1.npz"}
    if pictures.available():
        assert names >= {"curves.png", "film-irnn-4x2-0.png"}


def test_a_run_goes_on_to_the_same_bits(capsys):
    whole = [*TINY[:-4], "--updates", "5", *TINY[-2:], "--model", "irnn"]
    assert main([*whole, "--out", "whole"]) == 0
    assert main([*TINY, "--model", "irnn", "--out", "parts"]) == 0
    assert main(["catch", "--screen", "4x2", "--model", "irnn", "--updates", "5", "--resume", "--out", "parts"]) == 0
    a, b = (checkpoint.load(Path(folder) / "irnn-4x2-0.npz", "catch") for folder in ("whole", "parts"))
    assert a.adam.step == b.adam.step == 5 and a.rng == b.rng
    assert all((a.params[name] == b.params[name]).all() for name in a.params)
    assert "not reached" in capsys.readouterr().out


def test_a_finished_leg_is_not_done_again_and_more_can_be_added(capsys):
    assert main([*TINY, "--model", "irnn", "--out", "run"]) == 0
    before = Path("run/irnn-4x2-0.npz").stat().st_mtime_ns
    assert main(["catch", "--screen", "4x2", "--model", "irnn", "lstm", "--resume", "--out", "run"]) == 0
    assert Path("run/irnn-4x2-0.npz").stat().st_mtime_ns == before and Path("run/lstm-4x2-0.npz").exists()


def test_the_goal_is_reached_over_the_same_number_of_games_however_many_are_played_at_once(monkeypatch, capsys):
    monkeypatch.setattr(job, "WINDOW", 10)
    assert [job.window(games) for games in (1, 4, 10, 64)] == [10, 3, 1, 1]
    assert main([*TINY, "--model", "irnn", "--goal", "0.001", "--updates", "40", "--json", "--out", "run"]) == 0
    row = json.loads(capsys.readouterr().out)["rows"][0]
    curve = checkpoint.load("run/irnn-4x2-0.npz", "catch").curve
    caught = [point["accuracy"] for point in curve]
    first = next(n for n in range(3, 41) if sum(caught[n - 3:n]) > 0)
    assert len(curve) == first and row["frames"] == {"0": first * 4 * 4}


def test_a_higher_goal_is_worked_for_and_a_lower_one_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(job, "WINDOW", 4)
    again = ["catch", "--screen", "4x2", "--model", "irnn", "--resume", "--out", "run", "--json"]
    assert main([*TINY, "--model", "irnn", "--goal", "0.001", "--out", "run", "--json"]) == 0
    low = json.loads(capsys.readouterr().out)["rows"][0]["frames"]["0"]
    assert main([*again, "--goal", "0.9", "--updates", "60"]) == 0
    high = json.loads(capsys.readouterr().out)["rows"][0]
    assert high["frames"]["0"] > low and high["played"]["0"] == high["frames"]["0"]
    assert main([*again, "--goal", "0.5"]) == 2
    assert "was trained for the goal 0.9" in capsys.readouterr().err
    assert json.loads(Path("run/experiment.json").read_text())["goal"] == 0.9


def test_the_way_to_go_on_names_what_has_to_be_said_again(monkeypatch, capsys):
    stop_in(monkeypatch, job.ActorCriticTraining)
    assert main([*TINY, "--model", "irnn", "--out", "run"]) == 130
    assert "the same --model, --screen, --seed and --seeds, and --resume --out run" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "message"), [
    (["--screen", "3x4"], "a game of 3 frames cannot show 4"),
    (["--screen", "16"], "--screen takes NxM, such as 16x3, got '16'"),
    (["--screen", "2x1"], "size must be a whole number of at least 3, got 2"),
    (["--decay", "1.5"], "decay must lie in [0, 1], got 1.5"),
    (["--fast-rate", "-1"], "rate must be a number of at least 0, got -1.0"),
    (["--resume"], "there is no run to resume"),
    (["--resume", "--out", "nowhere"], "there is nothing to resume in nowhere"),
])
def test_bad_input_is_one_sentence_and_leaves_nothing(arguments, message, capsys):
    assert main(["catch", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not list(Path().iterdir())


def test_other_settings_and_damaged_files_are_refused(capsys):
    assert main([*TINY, "--model", "irnn", "--out", "run"]) == 0
    again = ["catch", "--screen", "4x2", "--model", "irnn", "--out", "run"]
    assert main(again) == 2
    assert main([*again, "--resume", "--wall", "wrap"]) == 2
    assert "the run was started with wall stop and cannot go on with wrap" in capsys.readouterr().err
    Path("run/irnn-4x2-0.npz").write_bytes(b"no zip")
    assert main([*again, "--resume"]) == 2
    Path("run/experiment.json").write_text("{")
    assert main([*again, "--resume"]) == 2
    assert "damaged" in capsys.readouterr().err
