"""`python -m bench neighbours`: the shape of what it reports, on a small memory."""

import json
import time

import numpy as np
import pytest

from bench.__main__ import main
from bench.neighbours import command as neighbours, searchers

SMALL = ["neighbours", "--memory-size", "512", "--batch", "4", "--neighbours", "1", "--queries", "64", "--rounds", "1",
         "--threads", "1", "--cosine", "0.9", "--methods", "exact", "sketch"]


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    monkeypatch.setattr(neighbours, "TURN", 0.1)


def test_one_row_for_each_method_and_kind_of_keys(capsys):
    assert main([*SMALL, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(row["method"], row["data"]) for row in report["rows"]] == [
        ("exact", "random"), ("sketch", "random"), ("exact", "clustered"), ("sketch", "clustered")]
    for row in report["rows"]:
        assert row["m"] == 512 and row["B"] == 4 and row["k"] == 1
        assert row["ms"] > 0 and row["ratio_to_exact"] > 0 and row["update_us"] > 0
        assert row["recall_at_1_low"] <= row["recall_at_1"] <= row["recall_at_1_high"]
        assert row["recall_at_1"] == 1


def test_a_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main([*SMALL, "--plot", str(tmp_path / "recall.png")]) == 0
    assert (tmp_path / "recall.png").read_bytes().startswith(b"\x89PNG")
    assert "sketch" in capsys.readouterr().out


def test_a_report_in_pieces(tmp_path, capsys):
    """One cell measured again takes its old place; the others stay, each with the piece that made it."""
    path = tmp_path / "kept.json"
    assert main([*SMALL, "--data", "random", "--json", "--into", str(path)]) == 0
    first = json.loads(path.read_text())
    assert main([*SMALL, "--data", "random", "--batch", "2", "4", "--methods", "sketch", "--json", "--into",
                 str(path)]) == 0
    second = json.loads(path.read_text())
    cells = {(row["method"], row["B"]): row for row in second["rows"]}
    assert list(cells) == [("sketch", 2), ("exact", 4), ("sketch", 4)]
    assert [cells[cell]["piece"] for cell in cells] == [1, 0, 1]
    assert {name: value for name, value in cells["exact", 4].items() if name != "piece"} == \
        {name: value for name, value in first["rows"][0].items() if name != "piece"}
    for piece in second["pieces"]:
        assert piece["command"].startswith("python -m bench") and piece["commit"] and piece["seed"] == 0
    assert main([*SMALL, "--data", "random", "--json", "--into", str(path)]) == 0
    assert len(json.loads(path.read_text())["pieces"]) == 2  # of the first nothing is left

    path.write_text("[]")
    capsys.readouterr()
    assert main([*SMALL, "--data", "random", "--json", "--into", str(path)]) == 2
    assert "is not a report in pieces" in capsys.readouterr().err
    assert path.read_text() == "[]"


def test_who_takes_too_long_to_build_is_left_out_and_named(monkeypatch, capsys):
    def slow(keys, threads, seed, limit):
        for rows in searchers.piecewise(len(keys), limit):
            assert rows.start < len(keys)
            time.sleep(0.02)
        raise AssertionError("built")

    monkeypatch.setattr(searchers, "PIECE", 64)
    monkeypatch.setitem(neighbours.BUILDERS, "usearch", slow)
    monkeypatch.setitem(neighbours.PACKAGES, "usearch", "numpy")
    assert main([*SMALL, "--data", "random", "--methods", "usearch", "exact", "--build-limit", "0.05", "--json"]) == 0
    report = capsys.readouterr()
    assert [row["method"] for row in json.loads(report.out)["rows"]] == ["exact"]
    assert "left out: usearch at 512 slots, random, 1 threads: after 0 s" in report.err


def test_pieces_cover_all_rows():
    assert [rows for rows in searchers.piecewise(5000, 60.0)] == [slice(0, 2048), slice(2048, 4096), slice(4096, 5000)]


def test_planted_neighbours_lie_where_they_should():
    options = type("Options", (), {"cosine": [0.7], "queries": 50})
    keys, queries = neighbours.random_keys(np.random.default_rng(0), 100, options)
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((queries[0.7] @ keys.T).max(axis=1), 0.7, atol=1e-5)
    keys, _ = neighbours.clustered_keys(np.random.default_rng(0), 4000, options)
    cosines = keys[:500] @ keys.T
    assert abs(np.median(cosines[(cosines > 0.55) & (cosines < 0.99)]) - 0.7) < 0.02


def test_the_interval_of_a_share():
    low, high = neighbours.wilson(0.5, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596)
    assert neighbours.wilson(1.0, 1000)[0] > 0.995


def test_a_short_life_agrees_with_the_exact_search(capsys):
    assert main(["neighbours", "--memory-size", "4096", "--stream", "960", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["steps"] == 960
    assert report["agreement_last_tenth"] >= 0.99


@pytest.mark.parametrize("options", [
    ["--methods", "sketch", "--batch", "0"], ["--queries", "2"], ["--rounds", "0"], ["--stream", "5"]])
def test_bad_options(options, capsys):
    assert main([*SMALL, *options]) == 2
    assert capsys.readouterr().err.startswith("error: ")
