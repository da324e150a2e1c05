"""Runs side by side: how far a Neural GPU reaches."""

import json

import pytest

from bench.__main__ import main


def result(path, task="badd", longest=9, seed=0, errors=1):
    def measured(length, kind, right):
        return {"length": length, "kind": kind, "sequences": 50, "right": right, "symbols_right": 0.99,
                "share": right / 50}

    path.write_text(json.dumps({
        "task": task, "seed": seed, "updates": 7, "seconds": 1.5, "recipe": {"dropout": 0.06},
        "trained": {"longest": longest, "sequences": 100, "errors": errors,
                    "by_length": [measured(3, "random", 50), measured(longest, "random", 50 - errors)]},
        "beyond": [measured(21, "random", 40), measured(21, "carry chains", 30)]}))
    return str(path)


def test_a_line_for_each_run_in_the_order_of_their_lengths(tmp_path, capsys):
    long, short = result(tmp_path / "a.json", longest=11, seed=3), result(tmp_path / "b.json", errors=4)
    assert main(["lengths", long, short]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("badd to 9, seed 0, dropout 0.06: 4 wrong of 100 at trained lengths; 80.0% of 50 random at 21, "
                        "60.0% of 50 carry chains at 21")
    assert lines[1].startswith("badd to 11, seed 3, dropout 0.06: 1 wrong of 100")
    assert main(["lengths", long, short, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["trained_to"] for row in rows] == [9, 11] and rows[0]["at_longest"]["share"] == 0.92


def test_the_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="pictures need the extra plot")
    assert main(["lengths", result(tmp_path / "a.json"), "--plot", str(tmp_path)]) == 0
    assert (tmp_path / "lengths.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(("text", "message"), [("{", "no result of `algorithms`"), ("{}", "no result of"),
                                               ("[]", "no result of"), (None, "No such file")])
def test_what_is_no_result_is_refused(text, message, tmp_path, capsys):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    assert main(["lengths", str(path)]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_runs_of_several_tasks_are_refused(tmp_path, capsys):
    paths = [result(tmp_path / "a.json"), result(tmp_path / "b.json", task="sort")]
    assert main(["lengths", *paths]) == 2
    assert "of one task, got badd, sort" in capsys.readouterr().err
