"""The command `recall`: what it prints and writes, how it goes on, and what it refuses."""

import json

import pytest

from reference_models.cli import pictures
from reference_models.cli.grid import training
from reference_models.cli.main import main
from reference_models.training import checkpoint, sequences
from support.stopping import stop_in

HAVE_PICTURES = pictures.available
TINY = ["recall", "--units", "4", "--updates", "6", "--batch", "8", "--train", "40", "--pairs", "2"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    from reference_models.tasks import retrieval
    monkeypatch.setattr(sequences, "STRETCH", 2)
    monkeypatch.setattr(retrieval, "SIZES", {"train": 40, "valid": 20, "test": 30})
    monkeypatch.setattr(pictures, "available", lambda: False)
    monkeypatch.chdir(tmp_path)


def run(capsys, *more):
    assert main([*TINY, *more, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_table_of_models_and_seeds(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "available", HAVE_PICTURES)
    facts = run(capsys, "--model", "fast-weights", "irnn", "lstm", "--seeds", "2", "--out", "run", "--ask", "a1b2??a")
    assert [row["model"] for row in facts["rows"]] == ["fast-weights", "irnn", "lstm"]
    for row in facts["rows"]:
        assert set(row["errors"]) == {"0", "1"} and row["paper"] is None  # 2 pairs are not the paper's task
        assert row["median_error"] == pytest.approx(sum(row["errors"].values()) / 2, abs=1e-3)
    assert [answer["sequence"] for answer in facts["answers"]] == ["a1b2??a"] * 2
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"results.json", "curves.csv", "experiment.json", "lstm-4-1.npz"} <= names
    if HAVE_PICTURES():
        assert {"curves.png", "attention-fast-weights-4-0.png"} <= names


def test_the_table_is_printed(capsys):
    assert main([*TINY, "--out", "run"]) == 0
    assert "fast weights" in capsys.readouterr().out


def test_a_run_goes_on_and_legs_can_be_added(capsys):
    first = run(capsys, "--out", "run")
    more = run(capsys, "--out", "run", "--resume", "--model", "fast-weights", "irnn")
    assert [row["model"] for row in more["rows"]] == ["fast-weights", "irnn"]
    assert more["rows"][0]["errors"] == first["rows"][0]["errors"]


def test_a_leg_that_is_added_may_have_its_own_number_of_updates(capsys):
    first = run(capsys, "--out", "run")
    more = run(capsys, "--out", "run", "--resume", "--model", "irnn", "--updates", "3")
    assert more["rows"][0]["updates"] == first["rows"][0]["updates"] != {"0": 3}
    assert more["rows"][1]["updates"] == {"0": 3}


def test_a_short_run_is_watched_too(capsys):
    run(capsys, "--out", "run")
    curve = checkpoint.load("run/fast-weights-4-0.npz", "recall").curve
    assert len(curve) == 3 and all("valid_error" in point for point in curve)


def test_a_run_that_was_stopped_ends_like_one_that_was_not(capsys, monkeypatch):
    whole = run(capsys, "--out", "whole")
    advance, calls = sequences.SequenceTraining.advance, []

    def stopping(self, spent):
        calls.append(spent)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return advance(self, spent)

    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(sequences.SequenceTraining, "advance", stopping)
    assert main([*TINY, "--out", "parts"]) == 130
    monkeypatch.setattr(sequences.SequenceTraining, "advance", advance)
    capsys.readouterr()
    assert "fast-weights-4-0 was started for 6 updates and cannot go on for 8; add --updates 6" in refusal(
        capsys, "--out", "parts", "--resume", "--updates", "8")
    parts = run(capsys, "--out", "parts", "--resume")
    a, b = (checkpoint.load(f"{name}/fast-weights-4-0.npz", "recall") for name in ("whole", "parts"))
    assert all((a.params[name] == b.params[name]).all() for name in a.params)
    assert whole["rows"][0]["errors"] == parts["rows"][0]["errors"]


def test_the_way_to_go_on_names_what_has_to_be_said_again(capsys, monkeypatch):
    stop_in(monkeypatch, sequences.SequenceTraining)
    assert main([*TINY, "--model", "irnn", "--out", "run"]) == 130
    assert ("irnn-4-0 after 2 updates; go on with the same --model, --units, --seed and --seeds, and --resume --out run"
            in capsys.readouterr().err)


def refusal(capsys, *arguments):
    assert main([*TINY, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(("arguments", "message"), [
    (["--pairs", "27"], "there must be 1 to 26 pairs"),
    (["--ask", "a1B2??a"], "unknown character 'B'"),
    (["--ask", "a1b2c3??a"], "has 3 pairs, and the network is trained on 2"),
    (["--choices", "mine"], "--choices must be one of fw2016, jiamings"),
    (["--decay", "1.5"], "decay must lie in [0, 1], got 1.5"),
    (["--hold", "-1"], "hold must lie in [0, 1], got -1"),
    (["--batch", "41"], "a batch has 41 examples, and there are only 40"),
    (["--resume", "--out", "nowhere"], "there is nothing to resume in nowhere"),
])
def test_bad_input_is_one_sentence_and_leaves_nothing(capsys, tmp_path, arguments, message):
    assert message in refusal(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_a_run_is_not_run_over(capsys, tmp_path):
    run(capsys, "--out", "run", "--hold", "0.5")
    assert "already holds a run" in refusal(capsys, "--out", "run")
    assert "was started with hold 0.5 and cannot go on with 0.4" in refusal(
        capsys, "--out", "run", "--resume", "--hold", "0.4")
    (tmp_path / "run" / "experiment.json").write_text("{}")
    assert "experiment.json is damaged" in refusal(capsys, "--out", "run", "--resume")


def test_a_damaged_checkpoint_is_refused(capsys, tmp_path):
    run(capsys, "--out", "run")
    (tmp_path / "run" / "fast-weights-4-0.npz").write_bytes(b"no archive")
    assert "is damaged" in refusal(capsys, "--out", "run", "--resume")
