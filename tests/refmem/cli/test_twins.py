"""`refmem twins`: agreement is measured, and too little of it is an error."""

import importlib
import json
import pkgutil
import re

import numpy as np
import pytest

import refmem.ops
from refmem.cli.fast_paths import clock, operations, searches
from refmem.cli.main import main


@pytest.fixture(autouse=True)
def one_round(monkeypatch):
    monkeypatch.setattr(clock, "ROUNDS", 1)


def test_every_search_is_listed_and_agrees(capsys):
    assert main(["twins", "--only", "neighbours.*", "--memory-size", "4096", "--neighbours", "5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["twin"] for row in report["twins"]] == [f"neighbours.{name}" for name in searches.MUST_AGREE]
    assert all(row["agrees"] and row["ms"] > 0 for row in report["twins"])


@pytest.mark.parametrize("name", operations.TWINS)
def test_every_operation_agrees_and_rounds_well(name, capsys):
    assert main(["twins", "--only", name, "--memory-size", "16", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["twins"]
    assert row["twin"] == name and row["agrees"] and row["ms"] > 0
    assert row["difference"] < row["must_differ_less"] <= 1e-12
    assert 0 < row["rounding"] < 12


def test_no_operation_that_calls_itself_a_twin_is_missing():
    names = [name for _, name, _ in pkgutil.iter_modules(refmem.ops.__path__)]
    modules = [importlib.import_module(f"refmem.ops.{name}") for name in names]
    twins = {module.__name__.removeprefix("refmem.") for module in modules
             if re.search(r"^\W*(fast )?twin of|: a twin of|, for speed", module.__doc__.split("\n\n")[0], re.I)}
    assert "ops.conv2d_winograd" in twins and "ops.lstm_fused" in twins, "the search itself is broken"
    assert twins <= set(operations.TWINS)


def test_a_search_that_disagrees_fails_the_command(capsys, monkeypatch):
    class Wrong:
        def search(self, queries, k):
            return np.zeros((len(queries), k), np.int64), np.ones((len(queries), k), np.float32)

        def nbytes(self):
            return 0

    monkeypatch.setattr(searches, "make", lambda *arguments, **options: Wrong())
    assert main(["twins", "--memory-size", "64", "--only", "neighbours.*"]) == 1
    assert "neighbours.fused" in capsys.readouterr().out


def test_an_operation_that_disagrees_fails_the_command(capsys, monkeypatch):
    right = operations.TWINS["ops.conv2d_relu"]

    def wrong(arguments):
        y, *gradients = right.run(arguments)
        return [y, *gradients[:-1], gradients[-1] * (1 + 1e-9)]

    monkeypatch.setitem(operations.TWINS, "ops.conv2d_relu", right._replace(run=wrong))
    assert main(["twins", "--memory-size", "16", "--only", "ops.conv2d_relu"]) == 1
    assert "ops.conv2d_relu" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--memory-size", "3"], ["--neighbours", "0"], ["--threads", "0"],
                                     ["--seed", "-1"], ["--only", "ops.conv3d"]])
def test_bad_options(options, capsys):
    assert main(["twins", *options]) == 2
    assert capsys.readouterr().err.startswith("error: ")
