"""Generated lives: a memory that conforms survives them, one with a mistake leaves a small case behind."""

import pytest

from refmem.conformance.case import load_all
from refmem.conformance.fuzz import fuzz
from refmem.conformance.mutants import all_mutants
from refmem.conformance.oracles import Paper
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.reference import Reference
from refmem.conformance.runner import conform

pytest.importorskip("hypothesis")


def test_refmem_survives(tmp_path):
    assert fuzz(Reference(), 60, 0, tmp_path) is None
    assert load_all(tmp_path) == []


@pytest.mark.parametrize("name", ["age-kept-when-right",
                                  pytest.param("tf-recent-never-changes", marks=pytest.mark.slow)])
def test_a_mistake_is_found_shrunk_and_kept(tmp_path, name):
    (mutant,) = [m for m in all_mutants() if m.id == name]
    result = fuzz(mutant.implementation(), 200, 0, tmp_path)
    assert result is not None and result.verdict == "FAIL"
    (kept,) = load_all(tmp_path)
    assert kept.id == result.case.id and len(kept.steps) <= 3
    assert conform(mutant.implementation(), [kept]).exit_code == 1
    assert conform(Reference(), [kept]).exit_code == 0


@pytest.mark.slow
def test_the_same_seed_finds_the_same(tmp_path):
    class Wrong(Paper):
        def new_key(self, q):
            return [x * 1.001 for x in q]

    found = [fuzz(LoopAdapter(paper=Wrong), 40, 3, tmp_path / str(n)).case.id for n in range(2)]
    assert found[0] == found[1]


def test_no_memory_no_fuzzing(tmp_path):
    class Ops(Reference):
        def describe(self):
            return {"groups": ["relu"]}

    with pytest.raises(ValueError, match="drives memories"):
        fuzz(Ops(), 1, 0, tmp_path)
