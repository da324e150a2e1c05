"""The check for GPUs, with the stand-in module as its device: it holds, and each planted fault is reported."""

import contextlib
import json
import re

import numpy as np
import pytest
from support.standin import standin

from bench import measure, workloads
from bench.gpu_check import check, computations, crossings
from bench.workloads import Workload
from refmem.arrays import module_of, to_host
from refmem.conformance.case import load, load_all, paths
from refmem.ops import relu

TARGETS = ("dropout", "relu", "fast_weights")
GROUPS = ("relu", "dropout", "tape_write")


@pytest.fixture
def device(monkeypatch):
    """A machine whose GPU is the stand-in, and little to do on it."""
    chosen = {name: computations.TARGETS[name] for name in TARGETS}
    vectors = [load(path) for path in paths() if path.parent.name in GROUPS]
    monkeypatch.setattr(check, "find_spec", lambda name: True)
    monkeypatch.setattr(workloads, "cupy_device", lambda: standin)
    monkeypatch.setattr(workloads, "FILES", {"fast_weights_50": workloads.FILES["fast_weights_50"]})
    monkeypatch.setattr(computations, "TARGETS", chosen)
    monkeypatch.setattr(check, "load_all", lambda: vectors)
    monkeypatch.setattr(check, "ROUNDS", 1)
    monkeypatch.setattr(measure, "TURN", 0.0)
    return monkeypatch


def test_it_holds_and_is_reported(device, tmp_path, capsys):
    assert check.main(["--out", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["wrong"] == []
    assert {(row["name"], row["dtype"]) for row in report["cases"]} >= {
        *((name, dtype) for name in TARGETS for dtype in ("float64", "float32")),
        ("life of memory.tf2017, hyperplanes", "float64"), ("search exact", "float32"),
        ("clipping and Adam", "float64")}
    assert all(row["same_twice"] and row["worst"] <= 1 and len(row["digest"]) == 16 for row in report["cases"])
    assert {row["group"] for row in report["vectors"]} == set(GROUPS)
    assert all(row["passed"] == row["vectors"] > 0 for row in report["vectors"])
    assert {"ours", "cupy"} <= report["times"][0]["ms"].keys() and report["times"][0]["numpy_to_cupy"] > 0
    sites = {row["site"]: row["meant"] for row in report["crossings"]}
    assert sites["refmem/memory/write.py:_oldest_row_by_row"].startswith("rows take slots in turn")
    assert None not in sites.values()
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == report
    assert "| relu | float64 | 0 | yes |" in (tmp_path / "out" / "report.md").read_text()


def only_relu(device):
    """Nothing else is asked; each case that is not sound is named."""
    device.setattr(computations, "TARGETS", {"relu": computations.TARGETS["relu"]})
    device.setattr(computations, "all_cases", computations.targets)
    device.setattr(check, "load_all", lambda: [load(path) for path in paths() if path.parent.name == "relu"])
    device.setattr(workloads, "FILES", {})


def fetched(x, calls):
    return x if to_host(x) is not None else x


def as_a_number(x, calls):
    return x if bool((x == x).all()) else x


def slightly_off(x, calls):
    return x * (1 + 1e-6)


def restless(x, calls):
    calls.append(1)
    return x * (1 + 3e-16 * len(calls))


def narrowed(x, calls):
    return x.astype(np.float32)


def failing(x, calls):
    raise RuntimeError("out of memory")


@pytest.mark.parametrize(("fault", "sentence"), [
    (fetched, r"relu, float64: hidden copy to host, 1 times, 192 bytes, by get in tests/.*/test_gpu_check.py:fetched"),
    (as_a_number, r"hidden copy to host, 1 times, 1 bytes, by __bool__ in tests/.*/test_gpu_check.py:as_a_number"),
    (slightly_off, r"relu, float64: output is off by .*e-0.*, allowed are "),
    (slightly_off, r"relu/\S+float64: "),  # a vector, too
    (restless, r"relu, float64: a second run gave other bits in output"),
    (narrowed, r"relu, float64: output is float32 \(4, 6\), on NumPy float64 \(4, 6\)"),
    (failing, r"relu, float64: raised RuntimeError: out of memory"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_is_reported(device, fault, sentence, capsys):
    only_relu(device)
    sound, calls = relu.forward, []

    def forward(x):
        return sound(x if module_of(x) is np else fault(x, calls))

    device.setattr(relu, "forward", forward)
    assert check.main(["--json"]) == 1
    wrong = json.loads(capsys.readouterr().out)["wrong"]
    assert [one for one in wrong if re.search(sentence, one)], wrong


def test_a_workload_that_fails_is_said_and_the_others_are_timed(device, capsys):
    def no_memory(batch, seed):
        raise MemoryError("out of memory")

    known = {name: Workload(name, "nothing", {"ours": make}, (1,))
             for name, make in (("large", no_memory), ("small", lambda batch, seed: dict))}
    only_relu(device)
    device.setattr(workloads, "FILES", dict.fromkeys(known, "bench"))
    device.setattr(workloads, "find", known.__getitem__)
    assert check.main(["--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["wrong"] == ["large, 1 at a time: raised MemoryError: out of memory"]
    assert [bool(row["ms"]) for row in report["times"]] == [False, True]


def test_what_the_time_is_too_short_for_is_said(device, capsys):
    device.setattr(check, "MINUTES", 0)
    assert check.main([]) == 1
    out = capsys.readouterr().out
    assert "- WRONG: relu, float64: not run, the 0 minutes were over" in out
    assert "- WRONG: 1 workloads were not timed: the 0 minutes were over" in out


@pytest.mark.parametrize(("installed", "found", "sentence"), [
    (False, None, "CuPy is not installed: pip install 'refmem[gpu]'"),
    (True, None, "CuPy finds none that it can use"),
])
def test_without_a_gpu_a_sentence(installed, found, sentence, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(check, "find_spec", lambda name: installed)
    monkeypatch.setattr(workloads, "cupy_device", lambda: found)
    assert check.main(["--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_way_to_the_host_is_counted():
    there, number = standin.asarray(np.ones(3)), standin.asarray(np.array(2.0))
    before = vars(standin.ndarray).copy(), standin.asarray
    with crossings.Copies(standin) as copies:
        to_host(there), there.tolist(), number.item(), bool(number), float(number), int(number)
        standin.asarray(np.ones(2)), standin.zeros(3) + there, there[1:], standin.flatnonzero(there), there[there > 0]
    assert [(crossing.way, crossing.how, crossing.numbers) for crossing in copies.seen] == [
        ("to host", "get", 3), ("to host", "tolist", 3), ("to host", "item", 1), ("to host", "__bool__", 1),
        ("to host", "__float__", 1), ("to host", "__int__", 1), ("to device", "asarray", 2),
        ("to host", "__int__", 1), ("to host", "__int__", 1)]
    assert {crossing.site for crossing in copies.seen} == {
        "tests/bench/test_gpu_check.py:test_every_way_to_the_host_is_counted"}
    assert (vars(standin.ndarray).copy(), standin.asarray) == before


def test_a_named_function_may_fetch_a_number_and_no_array():
    one = crossings.Crossing("to host", "get", "refmem/arrays.py:check_labels", 1, 8)
    assert crossings.meant(one) == "are labels in range"
    assert crossings.meant(one._replace(numbers=2)) is None
    assert crossings.meant(one._replace(way="to device")) is None
    site = "refmem/cli/gradcheck_targets/memory.py:_memory"
    assert crossings.meant(one._replace(site=site)).startswith("the check's own")


def test_the_names_are_those_of_functions():
    for site in (*crossings.DRAWN, *crossings.NUMBERS, *crossings.ARRAYS, *crossings.DOORS, *crossings.CHECK):
        file, _, function = site.partition(":")
        text = (crossings.ROOT / file).read_text()
        assert not function or f"def {function.rpartition('.')[2]}(" in text, f"nothing is called {site}"


def test_cupy_itself_is_counted():
    """Without a GPU, an array of CuPy in memory that is not there: what fetches it fails, and was counted."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extra `gpu`); the stand-in is counted above")
    if workloads.cupy_device():
        array, number = cupy.ones(3), cupy.ones(())
    else:
        nowhere = cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(0x1000, 4096, None, 0), 0)
        array, number = cupy.ndarray((3,), memptr=nowhere), cupy.ndarray((), memptr=nowhere)
    before = vars(cupy.ndarray).copy(), cupy.asarray, cupy._core.syncdetect._declare_synchronize
    crossings = {"get": lambda: array.get(), "tolist": lambda: array.tolist(), "item": lambda: number.item(),
                 "__float__": lambda: float(number), "__bool__": lambda: bool(number), "__int__": lambda: int(number),
                 "__repr__": lambda: repr(array), "asarray": lambda: cupy.asarray(np.ones(3)),
                 "__getitem__": lambda: array[np.array([0, 1])], "set": lambda: array.set(np.ones(3))}
    with crossings.Copies(cupy) as copies:
        for cross in crossings.values():
            with contextlib.suppress(Exception):
                cross()
    assert [crossing.how for crossing in copies.seen] == list(crossings)
    assert (vars(cupy.ndarray).copy(), cupy.asarray, cupy._core.syncdetect._declare_synchronize) == before


@pytest.mark.slow
def test_all_of_it_holds_on_the_stand_in():
    rows = [check.held(case, standin) for case in computations.all_cases()]
    assert [sentence for row in rows for sentence in row["wrong"]] == []
    groups = check.of_vectors(load_all(), standin, float("inf"))
    assert [sentence for group in groups for sentence in group["wrong"]] == []
