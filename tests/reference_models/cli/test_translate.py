"""The command `translate`: what it prints and writes, how it resumes and begins with a trunk, and what it refuses."""

import csv
import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from reference_models.cli import pictures
from reference_models.cli.main import main, parser
from reference_models.cli.translate import command, job, report
from reference_models.seq2seq.query import Query
from reference_models.tasks.translation import bilingual, scores
from reference_models.training import checkpoint, translating
from reference_models.training.translating import Recipe
from support.stopping import stop_in

SMALL = Recipe(width=8, attention=6, tokens=90, updates=4, warm_up=3, memory_size=512, memory_from=0.5, recent=3,
               query=Query("both", 8, True), search="exact")
TINY = ["translate", "--updates", "16", "--beam", "2"]


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(bilingual, "load", functools.partial(bilingual.load, train=60, validation=10, rare=8))
    monkeypatch.setattr(job, "SMALL_RECIPE", SMALL)
    monkeypatch.setattr(job, "RECIPE", SMALL)
    monkeypatch.setattr(job, "WATCH_EVERY", 2)
    monkeypatch.setattr(pictures, "available", lambda: False)
    monkeypatch.chdir(tmp_path)


def write_text(folder, **changes):
    folder.mkdir()
    made_up = bilingual.load()
    for split, pairs in (("train", made_up.train), ("val", made_up.validation), ("test_2016_flickr", made_up.test)):
        for language, lines in (("en", pairs.source), ("de", pairs.target)):
            (folder / f"{split}.{language}").write_text("\n".join(lines) + "\n")
    for name, lines in changes.items():
        (folder / name.replace("__", ".")).write_text(lines)


def same_bits(one, other):
    a, b = (checkpoint.load(Path(path) / "checkpoint.npz", translating.TASK) for path in (one, other))
    assert (a.rng, a.adam.step, a.notes) == (b.rng, b.adam.step, b.notes)
    groups = [(a.params, b.params), (a.adam.second, b.adam.second), *((a.extras[n], b.extras[n]) for n in a.extras)]
    for old, new in groups:
        assert old.keys() == new.keys()
        for name in old:
            np.testing.assert_array_equal(old[name], new[name])


def test_a_run_prints_scores_and_examples_and_leaves_its_files(capsys):
    assert main([*TINY, "--out", "run"]) == 0
    captured = capsys.readouterr()
    assert "all lines" in captured.out and "Trained on" in captured.out and "output goes to run" in captured.err
    assert {path.name for path in Path("run").iterdir()} == {
        "checkpoint.npz", "trunk.npz", "results.json", "curve.csv", "source.txt", "target.txt", "translations.txt",
        "examples.json"}
    with open("run/curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 and rows[1]["validation_loss"] and not rows[0]["validation_loss"]
    assert not rows[1]["hits"] and rows[2]["hits"] and float(rows[0]["tokens_a_second"]) > 0

    figures = json.loads(Path("run/results.json").read_text())
    measured = figures["tests"]["test"]
    assert measured["sentences"] == 16
    odd, whole = measured["rare_words_asked_in_odd_lines"], measured["rare_words_asked_in_all_lines"]
    assert odd["even lines"]["context_seen_once"]["asked"] == 8 and whole["all lines"]["all"]["asked"] >= 16
    if scores.available():
        assert measured["bleu"].keys() == {"no context", "memory zeroed", "even lines", "all lines",
                                           "no context, odd lines"}
        assert measured["gain_from_all_lines"]["low"] <= measured["gain_from_all_lines"]["value"]
    lines = Path("run/translations.txt").read_text().splitlines()
    assert len(lines) == 16 + 16 + 8 + 16
    for example in json.loads(Path("run/examples.json").read_text()):
        assert example["memory_with_context"] != example["memory_without_context"]
        assert all(origin["from"] in ("context", "training") for origin in example["origins"])


def test_brackets_in_a_sentence_are_printed_as_they_are(capsys):
    said = {"line": 1, "source": "see [/url]", "reference": "[bold]", "memory_zeroed": "[a]", "origins": [
        {"word": "[b]", "sentence": "[c]", "translation": "[/d]", "from": "context", "confidence": 0.5}],
        "memory_without_context": "", "memory_with_context": ""}
    report.show(job.Results({"target_tokens": 1, "seconds": 1.0, "updates": 1, "epochs": 1}, [said], Path(), [
        Path("[/run]")]))
    out = capsys.readouterr().out
    assert all(text in out for text in ("see [/url]", "[bold]", "[a]", "[b] from", "[c] = [/d] (context", "[/run]"))


def test_json_is_one_object_and_nothing_else(capsys):
    assert main([*TINY, "--no-memory", "--json", "--seed", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert facts["memory"] is False and facts["seed"] == 2 and facts["updates"] == 16
    assert list(facts["tests"]["test"]["rare_words_asked_in_all_lines"]) == ["no context"]


def test_a_stopped_run_goes_on_bit_for_bit(monkeypatch, capsys):
    assert main([*TINY, "--out", "whole", "--no-measure", "--shards", "3"]) == 0
    stop_in(monkeypatch, translating.TranslationTraining, 3)
    assert main([*TINY, "--out", "part", "--no-measure", "--shards", "3"]) == 130
    assert "--resume --out part" in capsys.readouterr().err
    assert main(["translate", "--resume", "--out", "part", "--no-measure"]) == 0
    same_bits("whole", "part")  # in as many shards


def test_two_runs_grow_from_one_trunk(capsys):
    assert main([*TINY, "--out", "a", "--no-measure"]) == 0
    assert main([*TINY, "--out", "b", "--no-measure", "--trunk", "a"]) == 0
    assert main([*TINY, "--out", "c", "--no-measure", "--trunk", "a", "--no-memory"]) == 0
    same_bits("a", "b")  # the memory joins the same trunk, with the same generator
    c = checkpoint.load("c/checkpoint.npz", translating.TASK)
    assert c.adam.step == 16 and "memory" not in c.extras
    assert main(["translate", "--resume", "--out", "b", "--trunk", "a"]) == 2
    assert "--trunk is where a new run begins" in capsys.readouterr().err


def test_a_run_is_compared_with_another(capsys):
    pytest.importorskip("sacrebleu")
    assert main([*TINY, "--out", "a", "--no-memory"]) == 0
    assert main([*TINY, "--out", "b", "--no-memory", "--against", "a", "--json"]) == 0
    gain = json.loads(capsys.readouterr().out.splitlines()[-1])["tests"]["test"]["gain_over"]
    assert gain == {"run": "a", "value": 0.0, "low": 0.0, "high": 0.0}  # the same seed, the same translations
    assert "no translations.txt" in refused([*TINY, "--against", "none"], capsys)
    lines = Path("a/translations.txt").read_text("utf-8").splitlines()
    Path("a/translations.txt").write_text("\n".join(lines[:-1]) + "\n", "utf-8")
    assert "translated 15 lines of test, and here it has 16" in refused([*TINY, "--against", "a", "--out", "c"], capsys)
    assert not Path("c").exists()


def refused(arguments, capsys):
    assert main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("error: ")
    return lines[-1]


def test_text_that_cannot_be_used_is_refused_in_a_sentence(capsys, tmp_path):
    pytest.importorskip("sacrebleu", reason="real text is scored with sacrebleu (extra translate)")
    write_text(tmp_path / "good")
    data = ["translate", "--data", "good", "--tokens", "words", "--updates", "4"]
    assert "there is no train.fr" in refused([*data, "--target", "fr"], capsys)
    assert "there is no test_2030.en" in refused([*data, "--tests", "test_2030"], capsys)
    assert "the limit is 4" in refused([*data, "--longest", "4"], capsys)
    for name, changes, said in (("fewer", {"val__de": "eins\n"}, "must stand in the same line"),
                                ("empty", {"val__de": "\n" * 10}, "line 1 of val.de is empty")):
        write_text(tmp_path / name, **changes)
        assert said in refused(["translate", "--data", name, "--tokens", "words"], capsys)
    assert not Path("runs").exists() or not any(Path("runs").iterdir())


def test_other_vocabularies_than_the_checkpoints_are_refused_and_nothing_is_lost(capsys):
    assert main([*TINY, "--out", "run", "--no-measure"]) == 0
    before = Path("run/checkpoint.npz").read_bytes()
    words = Path("run/target.txt").read_text().splitlines()
    Path("run/target.txt").write_text("\n".join([words[1], words[0], *words[2:]]) + "\n")
    assert "other vocabularies" in refused(["translate", "--resume", "--out", "run", "--updates", "32"], capsys)
    Path("run/target.txt").write_bytes(b"\xff")
    assert "not a vocabulary" in refused(["translate", "--resume", "--out", "run"], capsys)
    assert Path("run/checkpoint.npz").read_bytes() == before


def longer_vocabulary(saved):
    """One more word than the network has rows for, and a checkpoint that does not mind."""
    with Path("run/target.txt").open("a") as file:
        file.write("zwölfender\n")
    saved.settings["vocabularies"]["target"] = hashlib.sha256(Path("run/target.txt").read_bytes()).hexdigest()


def lengthened_and_noted(saved):
    """And that says so itself."""
    longer_vocabulary(saved)
    saved.notes["vocabularies"][1] += 1


def value_that_is_no_token(saved):
    """A slot of the memory whose value is beyond the vocabulary."""
    saved.extras["memory"]["state.values"][0] = 10**6


@pytest.mark.parametrize(("damage", "sentence"), [
    (longer_vocabulary, "the checkpoint belongs to vocabularies of"),
    (lengthened_and_noted, "the checkpoint holds the weights of another network"),
    (value_that_is_no_token, "the checkpoint holds a memory that cannot be: state.values must be in -1.."),
])
def test_tokens_out_of_range_are_refused_and_nothing_is_lost(damage, sentence, capsys):
    assert main([*TINY, "--out", "run", "--no-measure"]) == 0
    saved = checkpoint.load("run/checkpoint.npz", translating.TASK)
    damage(saved)
    checkpoint.save("run/checkpoint.npz", saved)
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    assert sentence in refused(["translate", "--resume", "--out", "run", "--updates", "32"], capsys)
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


def test_options_that_would_be_ignored_are_refused(capsys):
    for more in (["--query", "top"], ["--memory-size", "9"]):
        assert "which --no-memory leaves out" in refused([*TINY, "--no-memory", *more], capsys)
    for penalty in ("-1", "nan"):
        assert "--length-penalty must be at least 0" in refused([*TINY, "--length-penalty", penalty], capsys)
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("more", "size"), [([], None), (["--tokens", "subwords"], 500), (["--data", "x"], 3000)])
def test_the_size_of_a_vocabulary(more, size):
    assert command._settings(parser().parse_args(["translate", *more]), None).vocabulary == size


def test_a_missing_extra_is_named_before_the_training(monkeypatch, capsys, tmp_path):
    write_text(tmp_path / "good")
    monkeypatch.setattr(scores, "available", lambda: False)
    assert "refmem[translate]" in refused(["translate", "--data", "good", "--tokens", "words"], capsys)


def test_settings_of_a_run_are_kept(capsys):
    assert main([*TINY, "--out", "run", "--no-measure"]) == 0
    assert "already holds a run" in refused([*TINY, "--out", "run"], capsys)
    assert "cannot go on with 9" in refused(["translate", "--resume", "--out", "run", "--seed", "9"], capsys)
    assert "made-up sentences" in refused(["translate", "--resume", "--out", "run", "--tests", "val"], capsys)
    assert main(["translate", "--resume", "--out", "run", "--updates", "24", "--no-measure", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["updates"] == 24
    assert dataclasses.asdict(job.Settings.from_facts(job.saved_run(Path("run")).settings))
