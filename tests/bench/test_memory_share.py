"""The share that the memory takes of a training step: what is printed, and what is refused."""

import json

import pytest

from bench import memory_share
from bench.__main__ import main


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in (("SENTENCES", 2), ("LENGTH", 3), ("VOCABULARY", 12)):
        monkeypatch.setattr(memory_share, name, value)


def test_each_memory_is_compared_with_none(capsys):
    assert main(["memory-share", "--slots", "30", "300", "--searches", "exact", "--rounds", "1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["slots"], row["search"]) for row in rows] == [(0, "none"), (30, "exact"), (300, "exact")]
    for row in rows[1:]:
        assert row["share"] == round(1 - rows[0]["milliseconds"] / row["milliseconds"], 3)


def test_what_cannot_be_is_refused(capsys):
    assert main(["memory-share", "--slots", "0"]) == 2
    assert "--slots must be at least 1" in capsys.readouterr().err
