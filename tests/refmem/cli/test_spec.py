"""`refmem spec diff`: what it prints, for people and for machines."""

import json

import pytest

from refmem.cli.main import main
from refmem.memory.deviations import REGISTER


def test_the_profiles_differ_in_fields_and_rules(capsys):
    assert main(["spec", "diff", "paper", "tf2017", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["fields"]["age_noise"] == [0.0, 8.0]
    assert report["fields"]["query_projection"] == [False, True]
    assert "k" not in report["fields"]
    assert [point["id"] for point in report["points"]] == [entry.id for entry in REGISTER]


def test_the_order_of_the_names_is_the_order_of_the_columns(capsys):
    main(["spec", "diff", "tf2017", "paper", "--json"])
    assert json.loads(capsys.readouterr().out)["fields"]["age_noise"] == [8.0, 0.0]


def test_the_tables_name_every_point(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["spec", "diff", "paper", "tf2017"]) == 0
    printed = capsys.readouterr().out
    assert all(entry.id in printed for entry in REGISTER)
    assert "argmax_i A[i] + r_i" in printed  # brackets are text, not mark-up


def test_a_profile_differs_from_itself_in_nothing(capsys):
    assert main(["spec", "diff", "paper", "paper"]) == 0
    assert "the same profile" in capsys.readouterr().out


def test_an_unknown_profile_is_bad_input(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["spec", "diff", "paper", "tf2018"])
    assert stop.value.code == 2
    assert "tf2018" in capsys.readouterr().err
