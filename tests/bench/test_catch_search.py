"""The search at Catch: what is drawn, which five are best, and that a search goes on where it was stopped."""

import json

import numpy as np
import pytest

from bench import catch_search
from bench.__main__ import main


def row(trial, frames, last, curve=((100, 200), (0.5, 1.0))):
    return {"trial": trial, "frames": frames, "last": last, "played": curve[0][-1], "curve": curve}


def test_trials_stay_in_their_ranges_and_differ():
    drawn = [catch_search.drawn("fast-weights", number) for number in range(200)]
    for name, (low, high) in (("rate", catch_search.RATE), ("fast_rate", catch_search.FAST_RATE),
                              ("decay", catch_search.DECAY), ("steps", catch_search.STEPS)):
        values = [one[name] for one in drawn]
        assert low <= min(values) and max(values) <= high and len(set(values)) > (2 if name == "steps" else 100)
    assert np.median([one["rate"] for one in drawn]) == pytest.approx((1e-3 * 1e-2) ** 0.5, rel=0.2)
    assert catch_search.drawn("lstm", 7) == {"rate": drawn[7]["rate"]}


def test_the_best_reached_the_goal_first_and_then_came_closest():
    rows = [row(0, None, 0.7), row(1, 300, 0.9), row(2, 200, 0.9), row(3, None, 0.8), row(4, None, 0.1),
            row(5, 250, 0.9)]
    found = catch_search.best("lstm", rows)
    assert found["trials"] == [2, 5, 1, 3, 0] and found["reached"] == 3
    assert found["mean_frames"] is None and found["median_of_all"] is None  # between 300 and never
    found = catch_search.best("lstm", [*rows, row(6, 100, 0.9), row(7, 150, 0.9)])
    assert found["trials"] == [6, 7, 2, 5, 1] and found["mean_frames"] == 200 and found["median_of_all"] == 275


def test_a_run_that_ended_at_the_goal_counts_on_with_what_it_had():
    rows = [row(n, 200, 1.0) for n in range(4)] + [row(4, None, 0.5, ((200, 400), (0.0, 0.5)))]
    curve = catch_search.best("lstm", rows)["curve"]
    assert curve["frames"][0] == 0 and curve["frames"][-1] == 400
    assert curve["success"][0] == 0 and curve["success"][25] == pytest.approx(0.4)
    assert curve["success"][-1] == pytest.approx(0.9)


def test_a_search_writes_its_runs_and_is_not_made_twice(tmp_path, capsys, monkeypatch):
    asked = ["catch-search", "--screen", "4x2", "--trials", "5", "--updates", "2", "--out", str(tmp_path / "runs"),
             "--json"]
    assert main(asked) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(one["model"], one["reached"]) for one in facts["best"]] == [
        ("fast-weights", 0), ("lstm", 0), ("irnn", 0)]
    assert len(facts["rows"]) == 15 and all(one["played"] == 2 * 16 * 4 for one in facts["rows"])

    monkeypatch.setattr("reference_models.training.loop.run", None)  # nothing is left to train
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == facts["rows"]

    assert main([*asked, "--blank", "ball"]) == 2  # another game in the same folder
    assert "was started with blank screen and cannot go on with ball" in capsys.readouterr().err


def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra plot")
    assert main(["catch-search", "--screen", "4x2", "--trials", "5", "--updates", "1", "--model", "irnn",
                 "--blank", "ball", "--out", str(tmp_path / "runs"), "--plot", str(tmp_path)]) == 0
    assert (tmp_path / "catch-search-4x2-ball.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(("more", "message"), [
    (["--trials", "4"], "--trials must be at least 5"), (["--screen", "16"], "--screen takes NxM"),
    (["--plot", "nowhere"], "--plot must be a folder"), (["--updates", "0"], "--updates at least 1")])
def test_wrong_words_leave_nothing_behind(more, message, tmp_path, capsys):
    assert main(["catch-search", "--out", str(tmp_path / "runs"), *more]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1 and not (tmp_path / "runs").exists()
