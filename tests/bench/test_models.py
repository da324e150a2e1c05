"""The measuring itself: turns, medians, peak memory; the report has its shape."""

import json

import numpy as np
import pytest

from bench import measure, workloads
from bench.__main__ import main
from bench.workloads import Workload


def test_everyone_has_a_turn_in_each_round_and_nobody_is_always_first(monkeypatch):
    monkeypatch.setattr(measure, "TURN", 0.0)  # a call that is not counted, and one that is
    calls = []
    rounds = list(measure.in_turns({name: lambda name=name: calls.append(name) for name in "abc"}, 3))
    assert [sorted(took) for took in rounds] == [["a", "b", "c"]] * 3
    assert calls[::2] == calls[1::2]
    by_round = [calls[start:start + 6:2] for start in range(0, len(calls), 6)]
    assert [sorted(names) for names in by_round] == [["a", "b", "c"]] * 4  # one round to warm up
    assert {names[0] for names in by_round[1:]} == {"a", "b", "c"}


def test_the_median_of_each_over_the_rounds():
    rounds = [{"a": 1.0, "b": 5.0}, {"a": 100.0, "b": 7.0}, {"a": 3.0, "b": 6.0}]
    assert measure.medians(rounds) == {"a": 3.0, "b": 6.0}


def test_versions_say_what_is_missing():
    versions = measure.versions("numpy", "no-such-package")
    assert versions["numpy"] == np.__version__
    assert versions["no-such-package"] == "not installed"


def test_peak_memory_is_measured_in_a_process_of_its_own():
    figures = measure.peak_memory("memory", "ours", 2, steps=1)
    assert figures["peak"] > 10
    assert 0 <= figures["working"] <= figures["grown"] < figures["peak"]


@pytest.fixture
def quick(monkeypatch):
    """The report without the long work."""
    def nothing(batch, seed):
        return lambda: {}

    sides = {"cnn": ("ours", "torch", "torch_channels_last"), "memory": ("ours", "torch")}
    batches = {"cnn": (16, 80), "memory": (16,)}
    known = {name: Workload(name, "nothing", dict.fromkeys(sides[name], nothing), batches[name]) for name in sides}
    monkeypatch.setattr(workloads, "FILES", dict.fromkeys(sides, "bench"))
    monkeypatch.setattr(workloads, "find", known.__getitem__)
    monkeypatch.setattr(workloads, "HERE", dict.fromkeys(workloads.HERE, lambda: True))
    peaks = {"ours": {"peak": 200.0, "working": 50.0}, "torch": {"peak": 500.0, "working": 100.0}}
    monkeypatch.setattr(measure, "peak_memory", lambda workload, side, batch: peaks[side])
    return known


def test_the_report_for_machines(quick, capsys):
    assert main(["models", "--rounds", "2", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    report = json.loads(out)
    assert [(row["workload"], row["batch"]) for row in report["rows"]] == [("cnn", 16), ("cnn", 80), ("memory", 16)]
    for row in report["rows"]:
        assert row["memory_ratio"] == 0.4
        assert row["working_ratio"] == 0.5
        assert row["spread"][0] <= row["ratio_to_torch"] <= row["spread"][1]
        assert (row["ratio_to_torch_channels_last"] is None) == (row["workload"] == "memory")
    assert report["versions"]["numpy"] == np.__version__
    assert report.keys() >= {"load", "seed", "rounds", "threads"}


def test_the_report_for_people(quick, capsys):
    assert main(["models", "--only", "cnn", "--rounds", "1", "--batches", "4"]) == 0
    captured = capsys.readouterr()
    assert "cnn" in captured.out
    assert "memory ratio" in captured.out and "goal" in captured.out
    assert captured.err == ""  # progress is for terminals


def test_without_pytorch_ours_is_measured_alone_and_a_sentence_names_the_extra(quick, monkeypatch, capsys):
    for side in ("torch", "torch_channels_last"):
        monkeypatch.setitem(workloads.HERE, side, lambda: False)
    assert main(["models", "--rounds", "1"]) == 0
    assert "refmem[bench]" in capsys.readouterr().out
    assert main(["models", "--rounds", "1", "--json"]) == 0
    for row in json.loads(capsys.readouterr().out)["rows"]:
        assert row["ms"] > 0 and row["peak_mib"] == 200.0
        assert row["ratio_to_torch"] is row["spread"] is row["memory_ratio"] is row["torch_ms"] is None


def test_a_workload_that_fails_leaves_the_others_whole(quick, capsys):
    def broken(batch, seed):
        raise RuntimeError("no such [kernel]")

    quick["cnn"] = Workload("cnn", "broken", {"ours": broken, "torch": broken}, (16,))
    assert main(["models", "--rounds", "1", "--json"]) == 1
    broken_row, memory = json.loads(capsys.readouterr().out)["rows"]
    assert broken_row["error"] == "RuntimeError: no such [kernel]" and memory["ms"] > 0
    assert main(["models", "--rounds", "1"]) == 1
    assert "cnn, 16 failed: RuntimeError: no such [kernel]" in capsys.readouterr().out


def test_a_budget_ends_the_rounds_but_not_before_enough(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(measure, "PAUSE", 0.0)
    assert len(list(measure.in_turns({"a": int}, 50, seconds=0.5))) == measure.ENOUGH
    assert len(list(measure.in_turns({"a": int}, 50, seconds=1e9))) == 50
    assert measure.ENOUGH < len(list(measure.in_turns({"a": int}, 50, seconds=30.0))) < 50


@pytest.mark.parametrize(("arguments", "message"), [
    (["--rounds", "0"], "--rounds must be at least 1, got 0"),
    (["--seconds", "0"], "--seconds must be above 0, got 0"),
    (["--batches", "16", "0"], "--batches must be at least 1, got 0"),
])
def test_wrong_numbers_are_refused(quick, arguments, message, capsys):
    assert main(["models", *arguments]) == 2
    assert message in capsys.readouterr().err
