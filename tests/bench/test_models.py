"""The measuring itself: turns, medians, peak memory; the peers do the same work; the report has its shape."""

import json

import numpy as np
import pytest

from bench import measure, models, workloads
from bench.__main__ import main
from refmem.memory import Memory


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


def test_our_step_of_the_network_returns_its_gradients():
    params, _, _ = workloads.cnn_data(2, 0)
    gradients = workloads.cnn(2, 0)()
    assert {name: array.shape for name, array in gradients.items()} == {n: w.shape for n, w in params.items()}


def test_pytorch_finds_the_same_gradients_of_the_network():
    pytest.importorskip("torch")
    ours, theirs = workloads.cnn(3, 0)(), workloads.cnn_torch(3, 0)()
    last = workloads.cnn_torch(3, 0, channels_last=True)()
    for number, layer in enumerate((0, 2, 5, 7), start=1):
        want = ours[f"conv{number}.kernels"]
        for side in (theirs, last):
            got = side[f"{layer}.weight"].permute(2, 3, 1, 0).numpy()
            np.testing.assert_allclose(got, want, atol=2e-3 * np.abs(want).max())


def test_pytorch_leads_the_same_life_of_the_memory(monkeypatch):
    torch = pytest.importorskip("torch")
    from bench import peers

    monkeypatch.setattr(workloads, "SLOTS", 300)
    monkeypatch.setattr(workloads, "CLASSES", 40)
    state, batches = workloads.memory_data(16, 0)
    theirs = peers.Memory(state)
    ours = Memory(workloads.WIDTH, workloads.SLOTS, dtype=np.float32)
    ours.state = state
    for queries, labels in batches:
        output, cache = ours.forward(queries, labels)
        loss, gradient = theirs.step(torch.from_numpy(queries), torch.from_numpy(labels))
        assert float(output.loss) == pytest.approx(float(loss), rel=1e-4, abs=1e-6)
        np.testing.assert_allclose(gradient.numpy(), ours.backward(cache)[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(theirs.keys.numpy(), ours.state.keys, atol=1e-6)
    np.testing.assert_array_equal(theirs.values.numpy(), ours.state.values)
    np.testing.assert_array_equal(theirs.ages.numpy(), ours.state.ages)


@pytest.mark.parametrize("side", ["memory", "memory_torch"])
def test_a_step_of_the_memory_gives_its_loss_and_gradient(side, monkeypatch):
    if side == "memory_torch":
        pytest.importorskip("torch")
    monkeypatch.setattr(workloads, "SLOTS", 300)
    loss, gradient = getattr(workloads, side)(4, 0)()
    assert float(loss) >= 0
    assert tuple(gradient.shape) == (4, workloads.WIDTH)


def test_peak_memory_is_measured_in_a_process_of_its_own():
    figures = measure.peak_memory("memory", "ours", 2, steps=1)
    assert figures["peak"] > 10
    assert 0 <= figures["working"] < figures["peak"]


@pytest.fixture
def quick(monkeypatch):
    """The report without the long work."""
    monkeypatch.setattr(workloads, "SIDES", {
        "cnn": {side: lambda batch, seed: lambda: None for side in ("ours", "torch", "torch_channels_last")},
        "memory": {side: lambda batch, seed: lambda: None for side in ("ours", "torch")}})
    peaks = {"ours": {"peak": 200.0, "working": 50.0}, "torch": {"peak": 500.0, "working": 125.0}}
    monkeypatch.setattr(measure, "peak_memory", lambda workload, side, batch: peaks[side])
    monkeypatch.setattr(models, "find_spec", lambda name: object())


def test_the_report_for_machines(quick, capsys):
    assert main(["models", "--rounds", "2", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    report = json.loads(out)
    assert [(row["workload"], row["batch"]) for row in report["rows"]] == [("cnn", 16), ("cnn", 80), ("memory", 16)]
    for row in report["rows"]:
        assert row["memory_ratio"] == 0.4
        assert row["ratio_to_torch"] == pytest.approx(row["ms"] / row["torch_ms"])
        assert (row["ratio_to_torch_channels_last"] is None) == (row["workload"] == "memory")
    assert report["versions"]["numpy"] == np.__version__
    assert report.keys() >= {"load", "seed", "rounds", "threads"}


def test_the_report_for_people(quick, capsys):
    assert main(["models", "--only", "cnn", "--rounds", "1", "--batches", "4"]) == 0
    captured = capsys.readouterr()
    assert "cnn" in captured.out
    assert "memory ratio" in captured.out
    assert captured.err == ""  # progress is for terminals


def test_without_pytorch_a_sentence_names_the_extra(monkeypatch, capsys):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    assert main(["models"]) == 2
    captured = capsys.readouterr()
    assert "refmem[bench]" in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(("arguments", "message"), [
    (["--rounds", "0"], "--rounds must be at least 1, got 0"),
    (["--batches", "16", "0"], "--batches must be at least 1, got 0"),
])
def test_wrong_numbers_are_refused(quick, arguments, message, capsys):
    assert main(["models", *arguments]) == 2
    assert message in capsys.readouterr().err
