"""Vectors made anew have the same bytes; what the oracles do not agree on is not made."""

from dataclasses import replace

import pytest

pytest.importorskip("mpmath")
pytest.importorskip("torch")

from refmem.cli.main import main  # noqa: E402
from refmem.conformance.making import make as maker  # noqa: E402
from refmem.conformance.making.make import NoAgreement, make  # noqa: E402
from refmem.conformance.making.recipes.paper import recipes  # noqa: E402
from refmem.conformance.making.regenerate import all_recipes, changed  # noqa: E402
from refmem.conformance.reference import Reference  # noqa: E402


def recipe(name):
    return next(r for r in all_recipes() if f"{r.group}/{r.name}" == name)


@pytest.mark.parametrize("name", ["linear/gradient", "memory/paper.loss.gradient", "memory/tf2017.update.recent-slot"])
def test_the_same_bytes(name):
    assert [id for id, differs in changed([recipe(name)]) if differs] == []


@pytest.mark.slow
def test_the_same_bytes_of_all_vectors():
    assert [id for id, differs in changed() if differs] == []


def test_a_change_is_seen():
    other = replace(recipe("relu/forward"), title="another")
    assert [differs for _, differs in changed([other])] == [True, True]
    assert main(["vectors", "regenerate", "--check", "--only", "relu/forward"]) == 0
    assert main(["vectors", "regenerate", "--check", "--only", "nothing"]) == 2


def test_an_oracle_that_disagrees_stops_the_vector(monkeypatch):
    class Wrong(Reference):
        def memory(self, task):
            for step in super().memory(task):
                yield step | {"loss": step["loss"] + step["loss"].dtype.type(1e-6)}

    monkeypatch.setattr(maker, "Reference", Wrong)
    margin = next(r for r in recipes() if r.name == "paper.loss.margin")
    with pytest.raises(NoAgreement, match="refmem disagrees"):
        make(margin, "float64")


def test_wrong_gradients_do_not_fit_the_differences():
    case = make(recipe("memory/paper.loss.gradient"), "float64")
    maker.check_differences(case)
    case.expected[0]["d_queries"] *= 1.001
    with pytest.raises(NoAgreement, match="differences say"):
        maker.check_differences(case)
