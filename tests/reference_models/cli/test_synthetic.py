"""The command `synthetic`: its table, its files, its resumption, its refusals, and room for further models."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from reference_models.cli import pictures
from reference_models.cli.main import main
from reference_models.cli.synthetic import command as synthetic, models
from reference_models.training import checkpoint
from reference_models.training.synthetic import neural_gpu, seq2seq
from reference_models.training.synthetic.episodes import Stage
from support.stopping import stop_in

TINY = ["synthetic", "--largest", "20", "--train", "40", "--test", "30", "--rounds", "4"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    for name in ("RECIPE", "NO_MEMORY", "PAPER"):
        recipe = getattr(seq2seq, name)
        query = dataclasses.replace(recipe.query, width=recipe.query.width and 8)
        monkeypatch.setattr(seq2seq, name, dataclasses.replace(recipe, width=8, strings=8, memory_size=2048,
                                                               query=query))
    monkeypatch.setattr(seq2seq, "RECIPE", dataclasses.replace(
        seq2seq.RECIPE, stages=(Stage(0, 4, 0.0), Stage(3, 4))))
    monkeypatch.setattr(pictures, "available", lambda: False)
    monkeypatch.chdir(tmp_path)


def test_a_run_prints_a_table_and_leaves_its_files(capsys):
    assert main([*TINY, "--out", "run"]) == 0
    captured = capsys.readouterr()
    for row in ("seq2seq with memory", "memory zeroed", "Hamming", "coverage ceiling"):
        assert row in captured.out
    assert {path.name for path in Path("run").iterdir()} == {"checkpoint.npz", "results.json", "curve.csv"}
    rows = json.loads(Path("run/results.json").read_text())["rows"]
    assert 0 < rows["coverage ceiling"]["percent"] <= 100 and rows["coverage ceiling"]["numbers_not_seen"] == 0
    assert rows["seq2seq with memory"].keys() >= {"digit_hits", "confidence"}


@pytest.mark.parametrize(("option", "row"), [("--no-memory", "seq2seq without memory"),
                                             ("--faithful", "seq2seq with memory, as the paper says")])
def test_the_other_rows(option, row, capsys):
    assert main([*TINY, option, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert row in facts["rows"] and ("the same, its memory zeroed" in facts["rows"]) == facts["memory"]


@pytest.mark.parametrize("memory", [True, False])
def test_the_neural_gpu_leaves_a_picture_of_its_tape(memory, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(pictures, "available", lambda: True)
    name = "RECIPE" if memory else "NO_MEMORY"
    recipe = getattr(neural_gpu, name)
    monkeypatch.setattr(neural_gpu, name, dataclasses.replace(
        recipe, size=dataclasses.replace(recipe.size, maps=4, rows=2), strings=8, memory_size=512))
    assert main([*TINY, "--model", "extended-neural-gpu", *([] if memory else ["--no-memory"]), "--out", "run",
                 "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert f"extended-neural-gpu with{'' if memory else 'out'} memory" in rows
    assert all(Path("run", picture).stat().st_size > 1000 for picture in ("tape.png", "curve.png"))


def test_a_stopped_run_goes_on_bit_for_bit(monkeypatch, capsys):
    assert main([*TINY, "--shards", "3", "--out", "whole"]) == 0
    stop_in(monkeypatch, seq2seq.SyntheticSeq2Seq, 2)
    assert main([*TINY, "--shards", "3", "--out", "part"]) == 130
    assert "--resume --out part" in capsys.readouterr().err
    assert main(["synthetic", "--resume", "--out", "part", "--test", "30"]) == 0
    whole, part = (checkpoint.load(f"{name}/checkpoint.npz", seq2seq.TASK) for name in ("whole", "part"))
    for name in whole.params:
        np.testing.assert_array_equal(whole.params[name], part.params[name])
    rows = [json.loads(Path(f"{name}/results.json").read_text())["rows"] for name in ("whole", "part")]
    assert rows[0] == rows[1]


def test_what_cannot_be_is_refused(capsys):
    assert main([*TINY, "--out", "run"]) == 0
    for arguments, said in ((["--out", "run"], "already holds a run"),
                            (["--resume", "--out", "run", "--seed", "4"], "cannot go on with 4"),
                            (["--resume", "--out", "nowhere"], "nowhere"),
                            (["--no-memory", "--query", "top"], "--query is about the memory"),
                            (["--no-memory", "--search", "exact"], "--search is about the memory"),
                            (["--no-memory", "--faithful"], "--faithful is about the memory"),
                            (["--largest", "20000"], "7 digits")):
        assert main([*TINY[:1], *arguments] if "--resume" in arguments else [*TINY, *arguments]) == 2
        assert said in capsys.readouterr().err
    saved = checkpoint.load("run/checkpoint.npz", seq2seq.TASK)
    del saved.notes["rounds"]
    checkpoint.save("run/checkpoint.npz", saved)
    assert main(["synthetic", "--resume", "--out", "run"]) == 2
    assert "lacks a part of a run" in capsys.readouterr().err
    Path("run/checkpoint.npz").write_bytes(b"nothing")
    assert main(["synthetic", "--resume", "--out", "run"]) == 2
    assert "damaged" in capsys.readouterr().err


def test_the_names_of_the_models_are_those_that_there_are():
    assert set(synthetic.MODEL_NAMES) == set(models.MODELS)
    for model in models.MODELS.values():
        kind, make, read = model.load()
        recipe = make(memory=True)
        assert read(recipe.as_facts()) == recipe and kind.task
