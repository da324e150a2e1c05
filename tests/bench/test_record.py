"""Keeping a run: its figures with the command and commit that made them, its plots, and no path of the machine."""

import json

import pytest

from bench.__main__ import main


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"accuracy": {"5": {"1": 0.98}}, "seed": 3, "out": str(folder)}))
    (folder / "curve.png").write_bytes(b"a plot")
    return folder


def record(run, *more):
    return main(["record", str(run), "omniglot", "--command", "python -m reference_models omniglot --data DIR",
                 "--commit", "abc1234", "--into", str(run.parent), *more])


def test_figures_and_plots_are_kept(run, capsys):
    assert record(run) == 0
    kept = json.loads((run.parent / "results" / "omniglot.json").read_text())
    assert kept == {"command": "python -m reference_models omniglot --data DIR", "commit": "abc1234",
                    "accuracy": {"5": {"1": 0.98}}, "seed": 3}
    assert (run.parent / "figures" / "omniglot-curve.png").read_bytes() == b"a plot"


def test_of_the_folder_with_the_data_only_the_name_is_kept(run):
    (run / "results.json").write_text(json.dumps({"settings": {"data": "/home/somebody/mnist", "rate": 0.1}}))
    assert record(run) == 0
    kept = json.loads((run.parent / "results" / "omniglot.json").read_text())
    assert kept["settings"] == {"data": "mnist", "rate": 0.1}


def test_a_plot_that_is_not_there_keeps_nothing(run, capsys):
    assert record(run, "--figures", "curve", "episode") == 2
    assert "episode.png" in capsys.readouterr().err
    assert not (run.parent / "results").exists()


def test_results_that_are_no_json_are_refused(run, capsys):
    (run / "results.json").write_text("half a fi")
    assert record(run) == 2
    assert "is not JSON" in capsys.readouterr().err
