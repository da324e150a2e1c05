"""The command `algorithms`: a small run whole, resumed, asked; and every wrong word is one sentence and exit code 2."""

import json
import shutil
import sys

import pytest

from reference_models.cli.algorithms import job
from reference_models.cli.main import main
from support.standin import standin
from support.stopping import stop_in

SMALL = ["--task", "copy", "--length", "3", "--updates", "4", "--shards", "1", "--test", "30", "--beyond", "6",
         "--beyond-sequences", "5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("algorithms") / "run"
    assert main(["algorithms", *SMALL, "--out", str(folder), "--seed", "3"]) == 0
    return folder


def test_a_run_leaves_its_figures_and_pictures(folder, capsys):
    facts = json.loads((folder / "results.json").read_text())
    assert facts["task"] == "copy" and facts["updates"] == 4 and facts["seed"] == 3
    assert facts["trained"]["sequences"] == 30 and [row["length"] for row in facts["trained"]["by_length"]] == [1, 2, 3]
    assert facts["trained"]["errors"] == 30 - sum(row["right"] for row in facts["trained"]["by_length"])
    assert [(row["length"], row["kind"], row["sequences"]) for row in facts["beyond"]] == [(6, "random", 5)]
    names = {path.name for path in folder.iterdir()}
    pytest.importorskip("matplotlib")
    assert {"checkpoint.npz", "curve.csv", "curve.png", "results.json", "accuracy.png"} <= names


@pytest.mark.parametrize(("asked", "chains", "dropout"), [
    (["--task", "badd"], 0.0, 0.06), (["--task", "badd", "--chains", "0.3", "--dropout", "0.09"], 0.3, 0.09),
    (["--task", "sort"], 0.0, 0.0),
])
def test_addition_has_a_recipe_of_its_own(asked, chains, dropout, capsys, tmp_path):
    assert main(["algorithms", *SMALL, *asked, "--beyond", "--out", str(tmp_path / "run"), "--json"]) == 0
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    assert (recipe["chains"], recipe["dropout"]) == (chains, dropout)


def test_without_a_gpu_a_sentence_and_no_folder(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["algorithms", *SMALL, "--device", "gpu", "--out", str(tmp_path / "run")]) == 2
    assert "pip install 'refmem[gpu]'" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_run_on_another_device_and_back(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", standin)
    out = ["--out", str(tmp_path / "run"), "--json"]
    assert main(["algorithms", *SMALL, "--batch", "5", "--device", "gpu", *out]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["device"] == "gpu" and facts["recipe"]["batch"] == 5
    assert main(["algorithms", "--resume", "--test", "30", "--beyond", "6", "--beyond-sequences", "5", *out]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["device"] == "cpu" and again["trained"] == facts["trained"] and again["beyond"] == facts["beyond"]


def test_a_resumed_run_goes_on_and_prints_one_object(folder, capsys, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    assert main(["algorithms", "--resume", "--out", str(copied), "--updates", "6", "--test", "9", "--beyond",
                 "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert captured.out.count("\n") == 1 and facts["updates"] == 6 and facts["beyond"] == []


def test_a_run_goes_on_to_longer_sequences(folder, capsys, tmp_path):
    """Where its curriculum stands; what is mastered of the old lengths is not learnt anew."""
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    before = job.started(job.Settings.from_facts(job.saved_run(copied).settings), job.saved_run(copied))
    assert main(["algorithms", "--resume", "--out", str(copied), "--length", "5", "--updates", "4", "--test", "9",
                 "--beyond", "--json"]) == 0  # four of four updates are done: nothing is trained
    facts = json.loads(capsys.readouterr().out)
    assert facts["reached"] == before.curriculum.present and facts["recipe"]["longest"] == 5
    assert [row["length"] for row in facts["trained"]["by_length"]] == [1, 2, 3, 4, 5]

    assert main(["algorithms", "--resume", "--out", str(copied), "--length", "5", "--updates", "6", "--test", "9",
                 "--beyond", "--json"]) == 0
    after = job.started(job.Settings.from_facts(job.saved_run(copied).settings), job.saved_run(copied))
    assert after.curriculum.lengths == [1, 2, 3, 4, 5] and after.counters.episodes == 6


def test_a_run_takes_up_long_carries(capsys, tmp_path):
    out = ["--out", str(tmp_path / "run"), "--json"]
    assert main(["algorithms", *SMALL, "--task", "badd", "--beyond", *out]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["chains"] == 0.0
    for more, updates in ((["--chains", "0.3"], 4), (["--updates", "6"], 6)):
        assert main(["algorithms", "--resume", *more, "--test", "9", "--beyond", *out]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["updates"], facts["recipe"]["chains"]) == (updates, 0.3)


def test_a_stopped_run_says_how_it_goes_on(monkeypatch, capsys, tmp_path):
    stop_in(monkeypatch, job.AlgorithmTraining)
    assert main(["algorithms", *SMALL, "--out", str(tmp_path / "run")]) == 130
    assert f"after 1 updates; go on with: python -m reference_models algorithms --resume --out {tmp_path / 'run'}" in (
        capsys.readouterr().err)


def test_a_run_answers_questions(folder, capsys):
    assert main(["algorithms", "--solve", "011", "--out", str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["question"] == "011" and set(facts["answer"]) <= set("01_")
    pytest.importorskip("matplotlib")
    assert (folder / "mental_image.png").stat().st_size > 1000


@pytest.mark.parametrize(("more", "message"), [
    (["--solve", "012"], "copy does not know the symbol '2'"),
    (["--solve", ""], "copy needs at least one symbol"),
    (["--solve", "0110", "--positions", "3"], "inputs of 4 symbols do not fit a state of 3 positions"),
    (["--resume", "--task", "badd"], "the run was started with task copy and cannot go on with badd"),
    (["--resume", "--seed", "4"], "the run was started with seed 3 and cannot go on with 4"),
    (["--resume", "--length", "2", "--updates", "9"], "can go on to longer ones only, got --length 2"),
    (["--resume", "--length", "5"], "give --updates or --minutes besides --length"),
    ([], "already holds a run; add --resume"),
    (["--resume", "--positions", "3"], "--positions is about the state of --solve"),
])
def test_wrong_words_for_a_run_are_one_sentence(folder, more, message, capsys):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(["algorithms", *more, "--out", str(folder)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_sum_without_its_separator_is_one_sentence(capsys, tmp_path):
    """An even number of digits, asked of a run that adds."""
    out = str(tmp_path / "run")
    assert main(["algorithms", "--task", "badd", "--length", "3", "--updates", "1", "--shards", "1", "--test", "3",
                 "--beyond", "--out", out, "--json"]) == 0
    for question in ("1011", "10", "1+01"):
        capsys.readouterr()
        assert main(["algorithms", "--solve", question, "--out", out]) == 2
        captured = capsys.readouterr()
        assert f"with one '+' between them; got {question!r}" in captured.err and captured.out == ""
        assert captured.err.count("\n") == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["--task", "badd", "--beyond", "40"], "badd needs an odd number of symbols"),
    (["--task", "badd", "--length", "2"], "badd has no examples of length 2"),
    (["--task", "duplicate", "--beyond", "7"], "duplicate needs an even length"),
    (["--dropout", "1.5"], "dropout must lie in [0, 1)"), (["--task", "sort", "--chains", "0.1"], "carries of badd"),
    (["--spikes", "0.5"], "spikes must be more than 1"),
    (["--solve", "1+1"], "No such file"),
])
def test_wrong_words_leave_nothing_behind(arguments, message, capsys, tmp_path):
    out = tmp_path / "new"
    assert main(["algorithms", *arguments, "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
    assert not out.exists()
