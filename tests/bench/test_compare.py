"""Two reports: a change within the spread is none, one beyond it is named, and what is no report is refused."""

import json

import pytest

from bench.__main__ import main


def report(path, ratio, spread, memory=0.4, recall=None):
    models = {"rows": [{"workload": "cnn", "batch": 16, "ratio_to_torch": ratio, "spread": spread,
                        "memory_ratio": memory}]}
    whole = {"models": models}
    if recall is not None:
        whole["neighbours"] = {"rows": [{"method": "sketch", "m": 8, "B": 1, "k": 1, "data": "random", "cosine": 0.7,
                                         "threads": 1, "recall_at_1": recall, "recall_at_1_low": recall - 0.01,
                                         "recall_at_1_high": recall + 0.01}]}
    path.write_text(json.dumps(whole if recall is not None else models))
    return str(path)


@pytest.mark.parametrize(("ratio", "spread", "memory", "verdicts"), [
    (0.82, [0.79, 0.85], 0.40, ["same", "same"]),  # the quartiles overlap
    (1.00, [0.97, 1.02], 0.40, ["worse", "same"]),
    (0.60, [0.58, 0.62], 0.40, ["better", "same"]),
    (0.80, [0.78, 0.82], 0.43, ["same", "worse"]),
    (0.83, [0.829, 0.831], 0.41, ["same", "same"]),  # beyond the spread, within the margin
])
def test_what_counts_is_beyond_the_spread_and_the_margin(ratio, spread, memory, verdicts, tmp_path, capsys):
    old = report(tmp_path / "old.json", 0.80, [0.78, 0.82])
    new = report(tmp_path / "new.json", ratio, spread, memory)
    assert main(["compare", old, new, "--json"]) == int("worse" in verdicts)
    found = json.loads(capsys.readouterr().out)
    assert [change["verdict"] for change in found["changes"]] == verdicts
    assert found["regressions"] == verdicts.count("worse")


def test_recall_that_falls_and_workloads_that_vanish(tmp_path, capsys):
    old = report(tmp_path / "old.json", 0.8, [0.7, 0.9], recall=0.95)
    new = report(tmp_path / "new.json", 0.8, [0.7, 0.9], recall=0.90)
    assert main(["compare", old, new]) == 1
    assert "recall" in capsys.readouterr().out
    assert main(["compare", old, report(tmp_path / "less.json", 0.8, [0.7, 0.9])]) == 1
    assert "gone" in capsys.readouterr().out
    assert main(["compare", str(tmp_path / "less.json"), old]) == 0
    assert "2 of 3 figures the same, 1 added" in capsys.readouterr().out
    assert main(["compare", old, old]) == 0
    assert "0 regressions beyond the spread; 3 of 3 figures the same" in capsys.readouterr().out


def test_mistakes_of_the_checker_and_what_was_not_measured(tmp_path, capsys):
    def whole(name, alarms, row):
        scores = [{"checker": "ours", "dtype": "float64", "false_alarms": alarms, "misses_above_floor": 0},
                  {"checker": "theirs", "dtype": "float64", "false_alarms": 9, "misses_above_floor": None}]
        (tmp_path / name).write_text(json.dumps({"models": {"rows": [row]}, "gradcheck": {"scores": scores}}))
        return str(tmp_path / name)

    row = {"workload": "cnn", "batch": 16, "ratio_to_torch": 0.5, "spread": [0.4, 0.6], "memory_ratio": 0.4}
    old = whole("old.json", 0, row)
    for alarms, new, regressions in ((1, row, 1), (0, row, 0), (0, row | {"error": "killed"}, 2),
                                     (0, row | dict.fromkeys(("ratio_to_torch", "spread", "memory_ratio")), 2)):
        assert main(["compare", old, whole("new.json", alarms, new), "--json"]) == int(regressions > 0)
        assert json.loads(capsys.readouterr().out)["regressions"] == regressions


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": [1]}', '{"models": {"rows": [{}]}}'])
def test_what_is_no_report_is_a_sentence(text, tmp_path, capsys):
    (tmp_path / "bad.json").write_text(text)
    assert main(["compare", str(tmp_path / "bad.json"), str(tmp_path / "bad.json")]) == 2
    assert "is not a report of this bench" in capsys.readouterr().err
