"""Everything together: what fails, hangs or is not installed is a row, and the rest stands; ratios, history, budget."""

import json

import pytest

from bench import everything, history, summary, workloads
from bench.__main__ import main

MACHINE = {"versions": {"numpy": "2"}, "load": {"before": [1.0], "after": [2.0]}, "warnings": []}


def model(name, ratio):
    return {"workload": name, "batch": 16, "about": "", "ms": 2.0, "all_ms": {"ours": 2.0, "torch": 4.0},
            "ratios": {"torch": [0.4, ratio, 0.6]} if ratio else {}, "ratio_to_torch": ratio, "spread": [0.4, 0.6],
            "goal": 1.0, "memory_ratio": 0.3, "memory_goal": 0.5}


def score(checker, dtype, milliseconds, misses):
    return {"checker": checker, "dtype": dtype, "right": 5, "wrong": 5, "false_alarms": 0, "misses": misses,
            "misses_above_floor": 0, "undecided": 0, "milliseconds": milliseconds}


def search(method, ms, recall):
    return {"method": method, "m": 8, "B": 16, "k": 1, "data": "random", "cosine": 0.7, "threads": 2, "ms": ms,
            "recall_at_1": recall, "recall_at_1_low": recall - 0.01, "recall_at_1_high": min(1.0, recall + 0.01),
            "recall_at_k": recall, "ratio_to_exact": 8.0 / ms, "update_us": None if method == "faiss-lsh" else 1.0}


REPORTS = {
    "models": MACHINE | {"rows": [model("cnn", 0.5)]},
    "growth": {"series": [], "failed": [], "warnings": ["busy"]},
    "neighbours": MACHINE | {"rows": [search("numpy", 8.0, 1.0), search("sketch", 1.0, 0.98),
                                      search("faiss-lsh", 0.1, 0.5), search("hnswlib", 2.0, 0.975)]},
    "gradcheck": MACHINE | {"scores": [score("refmem gradcheck", "float64", 1.0, 0),
                                       score("torch gradcheck", "float64", 4.0, 3)], "linear_layers": []},
    "conform": {"cases": 386, "seconds": 2.0, "exit_code": 0, "warnings": []},
}


@pytest.fixture
def parts(monkeypatch):
    """Each part answered at once; the commands, in order."""
    asked = []

    def part(command, seconds):
        asked.append(command[0])
        return REPORTS[command[0]]

    monkeypatch.setattr(everything, "part", part)
    monkeypatch.setattr(everything, "missing", lambda: [])
    return asked


def test_all_parts_in_one_object_and_the_table_beside_it(parts, tmp_path, capsys):
    file = tmp_path / "h.jsonl"
    assert main(["all", "--skip", "growth", "--history", str(file), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1 and "memory ratio" in captured.err
    report = json.loads(captured.out)
    assert list(dict.fromkeys(parts)) == ["conform", "models", "gradcheck", "neighbours"]
    assert report.keys() >= {"load", "versions", "seconds", "warnings", "commit", "date", "failed", "missing"}
    assert "growth" not in report
    assert len(report["models"]["rows"]) == parts.count("models") == len(history.read(str(file))[0]["rows"])
    ratios = {row["what"]: row.get("ratio") for row in report["table"]}
    assert ratios == {"cnn, 16": 0.5, "conformance, 386 vectors": None, "gradcheck, float64": 0.25,
                      "sketch, 8 slots, k = 1, 16": 0.5}  # beside the fastest that finds as much
    assert main(["compare", *[str(write(tmp_path, captured.out))] * 2]) == 0


def write(folder, text):
    (folder / "report.json").write_text(text)
    return folder / "report.json"


def test_the_warnings_of_all_parts_are_collected(parts, capsys):
    assert main(["all", "--history", "", "--json"]) == 0
    assert "busy" in json.loads(capsys.readouterr().out)["warnings"]


def test_a_part_that_fails_is_a_row_and_the_others_stand(monkeypatch, capsys):
    def part(command, seconds):
        if command[:3] == ["models", "--only", "cnn"]:
            raise ValueError("stopped after 240 s")
        return REPORTS[command[0]]

    monkeypatch.setattr(everything, "part", part)
    assert main(["all", "--history", "", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert {"what": "models --only cnn", "error": "stopped after 240 s"} in report["table"]
    assert report["models"]["rows"] and report["neighbours"]["rows"]


def test_who_is_not_installed_is_a_row(parts, monkeypatch, capsys):
    monkeypatch.setattr(everything, "missing", lambda: ["faiss", "jax"])
    assert main(["all", "--history", "", "--json"]) == 0
    notes = {row["what"]: row.get("note", "") for row in json.loads(capsys.readouterr().out)["table"]}
    assert "refmem[bench]" in notes["faiss"] and "refmem[jax]" in notes["jax"]


def test_every_side_has_a_name():
    assert {"ours", *summary.NAMES} == set(workloads.HERE)


@pytest.mark.parametrize(("change", "peer", "cannot"), [
    ({}, "hnswlib", False),
    ({"recall_at_k": 0.9}, "numpy", False),  # finds the nearest as often, but fewer of the k
    ({"update_us": None}, "hnswlib", True),
])
def test_a_search_stands_beside_the_fastest_that_finds_as_much(change, peer, cannot):
    ours, *others = REPORTS["neighbours"]["rows"][1:2] + REPORTS["neighbours"]["rows"][:1] + [
        search("faiss-lsh", 0.1, 0.5), search("hnswlib", 2.0, 0.975) | change]
    row, = summary.of_neighbours({"rows": [ours, *others]})
    assert row["peer"] == peer and ("cannot rewrite" in row["note"]) == cannot


def test_without_pytorch_ours_is_a_row_by_itself():
    row, = summary.of_models({"rows": [model("cnn", None)]})
    assert row["ms"] == 2.0 and "ratio" not in row and row["note"] == "PyTorch is not installed"


def test_time_runs_out_for_what_is_left(monkeypatch, capsys):
    clock = iter(range(0, 10**6, 100))
    monkeypatch.setattr(everything.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(everything.measure, "commit", lambda: "abc")
    monkeypatch.setattr(everything.subprocess, "run", lambda *_, **__: pytest.fail("was started"))
    assert main(["all", "--history", "", "--minutes", "1", "--json"]) == 1
    assert {row["error"] for row in json.loads(capsys.readouterr().out)["table"] if "error" in row} \
        == {"no time was left for it"}


def test_a_process_that_cannot_run_says_why():
    with pytest.raises(ValueError, match="exit code 2: --rounds must be at least 1, got 0"):
        everything.part(["models", "--rounds", "0"], 100.0)


def test_a_process_that_hangs_is_stopped():
    with pytest.raises(ValueError, match="stopped after 0 s"):
        everything.part(["conform"], 0.01)


def test_a_real_part_is_read():
    assert everything.part(["conform"], 100.0)["exit_code"] == 0


def test_pictures_go_to_a_folder_that_is_there(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main(["all", "--plot", str(tmp_path / "nowhere")]) == 2
    assert "--plot must be a folder that exists" in capsys.readouterr().err


def test_a_history_that_cannot_be_written_does_not_lose_the_report(parts, tmp_path, capsys):
    assert main(["all", "--history", str(tmp_path), "--json"]) == 2  # a folder
    captured = capsys.readouterr()
    assert json.loads(captured.out)["models"]["rows"] and captured.err.splitlines()[-1].startswith("error: ")
    assert main(["all", "--history", str(tmp_path / "nowhere" / "h.jsonl")]) == 2
    assert "--history must be a file in a folder that exists" in capsys.readouterr().err


def test_a_budget_must_be_one(capsys):
    assert main(["all", "--minutes", "0"]) == 2
    assert "--minutes must be above 0" in capsys.readouterr().err
