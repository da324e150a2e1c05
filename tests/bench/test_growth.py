"""Exponents of known laws, and the report of how cost grows."""

import json

import numpy as np
import pytest

from bench import growth, history, measure, workloads
from bench.__main__ import main
from bench.workloads import Workload


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_law_is_found(power):
    values = np.array([8, 16, 64, 256])
    assert growth.exponent(values, 3.0 * values ** power) == pytest.approx((power, 0.0), abs=1e-9)


def test_scatter_widens_the_error():
    values = np.array([8, 16, 32, 64])
    slope, error = growth.exponent(values, values * np.array([1.1, 0.9, 1.1, 0.9]))
    assert abs(slope - 1) < 3 * error < 0.6


@pytest.fixture
def one_workload(monkeypatch):
    """One workload without work, and its sizes as it was asked for."""
    asked = []

    def make(batch, seed, slots=1):
        asked.append((batch, slots))
        return lambda: {}

    workload = Workload("memory", "nothing", {"ours": make, "torch": make}, (16,),
                        growth={"slots": (10, 20), "batch": (4, 8)})
    monkeypatch.setattr(workloads, "FILES", {"memory": "bench"})
    monkeypatch.setattr(workloads, "find", lambda name: workload)
    monkeypatch.setattr(workloads, "HERE", dict.fromkeys(workloads.HERE, lambda: True))
    monkeypatch.setattr(measure, "peak_memory", lambda *_, **sizes: {"peak": 100.0, "working": 1.0,
                                                                     "grown": 2.0 * sizes.get("slots", 3)})
    monkeypatch.setattr(measure, "TURN", 0.0)
    return asked


def test_every_size_grows_alone(one_workload, capsys, tmp_path):
    assert main(["growth", "--rounds", "1", "--json"]) == 0
    series = json.loads(capsys.readouterr().out)["series"]
    assert [(line["size"], line["values"]) for line in series] == [("slots", [10, 20]), ("batch", [4, 8])]
    assert series[0]["memory_mib"] == [20.0, 40.0] and series[1]["memory_mib"] == [6.0, 6.0]
    assert [line["memory_exponent"] for line in series] == pytest.approx([1, 0])
    assert one_workload[::2] == [(16, 10), (16, 20), (4, 1), (8, 1)]
    pytest.importorskip("matplotlib")
    assert main(["growth", "--rounds", "1", "--plot", str(tmp_path)]) == 0
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_history_grows_by_a_line_a_run(one_workload, tmp_path, capsys):
    file = tmp_path / "history.jsonl"
    for _ in range(2):
        assert main(["models", "--rounds", "1", "--history", str(file), "--json"]) == 0
    runs = history.read(str(file))
    assert len(runs) == 2 and runs[0]["rows"][0]["workload"] == "memory" and runs[0]["versions"]["numpy"]
    file.write_text(file.read_text() + "half a li")
    with pytest.raises(ValueError, match="line 3 of .* is not a run"):
        history.read(str(file))


def test_the_watch_sees_what_others_do_and_not_what_we_do(monkeypatch):
    if measure.busy_seconds() is None:
        pytest.skip("this system does not say how busy it is")
    watch = measure.Watch()
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    busy = iter([100.0, 115.0])
    monkeypatch.setattr(measure, "busy_seconds", lambda: next(busy))
    own = iter([(1.0, 0, 0, 0, 0), (6.0, 0, 0, 0, 0)])
    monkeypatch.setattr(measure.os, "times", lambda: next(own))
    with watch:
        pass
    assert watch.others == 1.0  # 15 seconds of work in 10, five of them ours
    assert "others kept 1.0 cores at work" in watch.warnings()[0]
    assert not measure.Watch().warnings()


def test_a_size_that_fails_leaves_the_others_whole(one_workload, monkeypatch, capsys):
    def peak(workload, side, batch, **sizes):
        if "slots" in sizes:
            raise OSError("killed")
        return {"peak": 1.0, "working": 1.0, "grown": 1.0}

    monkeypatch.setattr(measure, "peak_memory", peak)
    assert main(["growth", "--rounds", "1", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [line["size"] for line in report["series"]] == ["batch"]
    assert report["failed"] == ["memory, slots failed: OSError: killed"]
