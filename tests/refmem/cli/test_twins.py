"""`refmem twins`: agreement is measured, and too little of it is an error."""

import json

import numpy as np
import pytest

from refmem.cli import twins
from refmem.cli.main import main


def test_every_search_is_listed_and_agrees(capsys):
    assert main(["twins", "--memory-size", "4096", "--neighbours", "5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["twin"] for row in report["twins"]] == [f"neighbours.{name}" for name in twins.MUST_AGREE]
    assert all(row["agrees"] and row["ms"] > 0 for row in report["twins"])


def test_a_twin_that_disagrees_fails_the_command(capsys, monkeypatch):
    class Wrong:
        def search(self, queries, k):
            return np.zeros((len(queries), k), np.int64), np.ones((len(queries), k), np.float32)

        def nbytes(self):
            return 0

    monkeypatch.setattr(twins, "make", lambda *arguments, **options: Wrong())
    monkeypatch.setattr(twins, "ROUNDS", 1)
    assert main(["twins", "--memory-size", "64"]) == 1
    assert "neighbours.fused" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--memory-size", "3"], ["--neighbours", "0"], ["--threads", "0"]])
def test_bad_options(options, capsys):
    assert main(["twins", *options]) == 2
    assert capsys.readouterr().err.startswith("error: ")
