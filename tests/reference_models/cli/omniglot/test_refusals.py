"""The command `omniglot`: what it refuses."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from support.small_run import TINY

from reference_models.cli.main import main
from reference_models.training import checkpoint


def refused(capsys, *arguments: str) -> str:
    """The sentence with which the command refuses; stdout stays empty and no traceback is shown."""
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    *_, last = captured.err.splitlines()
    assert last.startswith("error: ") and "Traceback" not in captured.err
    return last


def test_more_ways_than_classes(capsys):
    assert "--ways 500 needs as many unseen classes, and there are only" in refused(capsys, *TINY, "--ways", "500")


def test_more_shots_than_drawings(capsys):
    assert "--shots 20 needs 21 drawings" in refused(capsys, *TINY, "--shots", "20")


def test_a_missing_folder_of_data(capsys):
    assert "nowhere is not a folder" in refused(capsys, *TINY, "--data", "nowhere")


def test_a_folder_that_is_not_omniglot(capsys):
    Path("photos").mkdir()
    assert "photos is not Omniglot" in refused(capsys, *TINY, "--data", "photos")


def test_a_damaged_zip(capsys):
    Path("data").mkdir()
    for half in ("images_background", "images_evaluation"):
        Path(f"data/{half}.zip").write_bytes(b"PK not really")
    assert "damaged, or not a zip" in refused(capsys, *TINY, "--data", "data")


def test_a_split_without_data(capsys):
    assert "--split" in refused(capsys, *TINY, "--split", "paper")


def test_a_folder_that_holds_a_run_is_not_overwritten(capsys):
    assert main(TINY + ["--out", "run"]) == 0
    before = Path("run/checkpoint.npz").read_bytes()
    capsys.readouterr()
    assert "already holds a run; add --resume" in refused(capsys, *TINY, "--out", "run")
    assert Path("run/checkpoint.npz").read_bytes() == before


def test_an_output_folder_that_is_a_file(capsys):
    Path("run").write_text("mine")
    assert "cannot be written" in refused(capsys, *TINY, "--out", "run")
    assert Path("run").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_is_read_only(capsys):
    Path("run").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot be written" in refused(capsys, *TINY, "--out", "run")


def test_resuming_where_nothing_is(capsys):
    assert "no run to resume" in refused(capsys, "omniglot", "--resume")
    Path("run").mkdir()
    assert "No such file" in refused(capsys, "omniglot", "--resume", "--out", "run")


def test_a_damaged_a_foreign_and_an_older_checkpoint(capsys, monkeypatch):
    assert main(TINY + ["--out", "run"]) == 0
    path = Path("run/checkpoint.npz")
    whole = path.read_bytes()
    capsys.readouterr()

    path.write_bytes(whole[:-1000])
    assert "damaged" in refused(capsys, "omniglot", "--resume", "--out", "run")
    np.savez(path, weights=np.ones(3))
    assert "not a file of refmem" in refused(capsys, "omniglot", "--resume", "--out", "run")
    path.write_bytes(whole)
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)
    assert f"version {checkpoint.VERSION - 1}" in refused(capsys, "omniglot", "--resume", "--out", "run")
    assert path.read_bytes() == whole


@pytest.mark.parametrize("contradiction", [["--seed", "9"], ["--size", "paper"], ["--profile", "tf2017"]])
def test_a_resumed_run_cannot_be_made_another(contradiction, capsys):
    assert main(TINY + ["--out", "run"]) == 0
    capsys.readouterr()
    assert "the run was started with" in refused(capsys, "omniglot", "--resume", "--out", "run", *contradiction)


def test_a_search_without_a_long_life_is_refused(capsys):
    assert "--search is about" in refused(capsys, "omniglot", "--search", "sketch")


@pytest.mark.parametrize("wrong", [["--minutes", "0"], ["--minutes", "nan"], ["--episodes", "-1"], ["--ways", "0"],
                                   ["--seed", "-1"], ["--search", "guess"], ["--episodes", "1", "--minutes", "1"]])
def test_impossible_options_are_refused_by_the_parser(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["omniglot", *wrong])
    assert stopped.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_command_that_fails_early_leaves_no_empty_folder(tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "own").mkdir()
    command = ["omniglot", "--data", str(tmp_path / "nothing"), "--episodes", "1", "--out"]
    assert main([*command, str(tmp_path / "run")]) == 2
    assert not (tmp_path / "run").exists()
    assert main([*command, str(tmp_path / "own")]) == 2
    assert (tmp_path / "own").exists()  # a folder that was there before stays
