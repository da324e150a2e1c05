"""`python -m bench gradcheck`: the score keeping, with judges of which the answers are known."""

import json

import pytest

from bench import gradcheck
from bench.peers import gradcheck as judges
from bench.__main__ import main


def test_who_passes_everything_misses_half_and_who_fails_everything_cries_wolf(monkeypatch, capsys):
    monkeypatch.setattr(gradcheck, "SIZES", ((2, 2),))
    monkeypatch.setattr(judges, "available", lambda: {"trusting": lambda problem: True,
                                                      "grim": lambda problem: False})
    assert main(["gradcheck", "--problems", "6", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    scores = {(score["checker"], score["dtype"]): score for score in report["scores"]}
    for dtype in ("float64", "float32"):
        assert (scores["trusting", dtype]["misses"], scores["trusting", dtype]["false_alarms"]) == (3, 0)
        assert (scores["grim", dtype]["misses"], scores["grim", dtype]["false_alarms"]) == (0, 3)
        ours = scores[gradcheck.OURS, dtype]
        assert ours["false_alarms"] == ours["misses_above_floor"] == 0 and ours["right"] == ours["wrong"] == 3
    assert main(["gradcheck", "--problems", "2"]) == 0
    assert "misses" in capsys.readouterr().out


def test_torch_judges_what_we_hand_it():
    pytest.importorskip("torch")
    right, none, _ = gradcheck.problems(0, 0, "float64")
    assert none is None and judges.torch_gradcheck(right)
    _, wrong, _ = gradcheck.problems(0, 17, "float64")  # a wrong sign
    assert "sign" in wrong.name and not judges.torch_gradcheck(wrong)


def test_bad_options_are_a_sentence(capsys):
    assert main(["gradcheck", "--problems", "0"]) == 2
    assert "--problems must be at least 1" in capsys.readouterr().err


def test_without_peers_ours_is_judged_alone(monkeypatch, capsys):
    monkeypatch.setattr(gradcheck, "SIZES", ((2, 2),))
    monkeypatch.setattr(judges, "available", dict)
    assert main(["gradcheck", "--problems", "1"]) == 0
    out = capsys.readouterr().out
    assert gradcheck.OURS in out and "nothing to compare with" in out
