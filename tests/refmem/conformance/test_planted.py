"""A PyTorch memory passes; the same with one mistake fails, and is told which rule it breaks and how."""

from dataclasses import replace

import pytest

from refmem.conformance.case import load_all
from refmem.conformance.mutants import all_mutants
from refmem.conformance.runner import conform
from refmem.conformance.verdict import Verdict

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from examples.planted import PLANTED  # noqa: E402
from examples.torch_adapter import Adapter  # noqa: E402

CASES = [case for case in load_all() if case.group == "memory"]
FOCUSED = [case for case in CASES if case.level < "L4" and case.dtype == "float64"]
MUTANTS = {mutant.id: mutant for mutant in all_mutants()}


def test_the_example_passes_every_level_of_both_profiles():
    run = conform(Adapter(), CASES)
    assert {r.case.needs for r in run.results if r.verdict is not Verdict.PASS} == {("sources",)}  # it keeps none
    every_level = dict.fromkeys(("L1", "L2", "L3", "L4"), "pass")
    assert run.levels() == {"paper": every_level, "tf2017": every_level}
    assert run.exit_code == 0 and run.suspects == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name):
    profile, memory = PLANTED[name]
    adapter = Adapter()
    adapter.memory_class = memory
    run = conform(adapter, [case for case in FOCUSED if case.profile == profile])
    assert run.exit_code == 1
    assert run.suspects[0] == MUTANTS[name].rule
    hinted = [hint for result in run.results for hint in result.hints]
    assert name in hinted


def test_a_memory_that_follows_the_other_profile_is_told_so():
    class Other(Adapter):
        def memory(self, task):
            params = {"query_projection": torch.eye(task.config["key_dim"]).numpy()}
            return super().memory(replace(task, profile="tf2017", params=params,
                                          config=task.config | {"vocab_size": 10, "recent_hint": True}))

    case = next(case for case in CASES if case.id == "memory/paper.read.confidence.float64")
    run = conform(Other(), [case])
    assert "follows-tf2017" in run.results[0].hints
