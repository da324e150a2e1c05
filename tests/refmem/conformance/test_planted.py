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
from examples.torch_index import TorchIndex  # noqa: E402

ALL = load_all()
CASES = [case for case in ALL if case.group == "memory"]
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


@pytest.mark.parametrize(("name", "rule"), [
    ("squared-hinge", "memory.loss.margin"), ("query-not-normalised", "memory.query.unit-length"),
    ("nothing-ages", "memory.update.age-grows"), ("temperature-1", "memory.read.temperature"),
    ("key-not-renormalised", "memory.update.right-value.average-key")])
def test_a_mistake_in_both_profiles_at_once_is_named_too(name, rule):
    """Failures of the other profile do not outvote what explains those of one."""
    adapter = Adapter()
    adapter.memory_class = PLANTED[name][1]
    run = conform(adapter, FOCUSED)
    assert run.exit_code == 1
    assert run.suspects[0] in (rule, rule.replace("memory.", "tf2017."))


class IndexOf(Adapter):
    def __init__(self, index):
        self.index_class = index


class Unsorted(TorchIndex):
    def search(self, queries, k):
        slots, cosines = super().search(queries, len(self.keys))
        there = slots >= 0
        order = torch.where(there, slots, len(self.keys)).argsort(1)[:, :k]
        return slots.gather(1, order), cosines.gather(1, order)


class FirstRowWins(TorchIndex):
    def update(self, slots, keys):
        super().update(slots.flip(0), keys.flip(0))


class EmptySlotsToo(TorchIndex):
    def rebuild(self, keys, filled):
        super().rebuild(keys, torch.ones_like(filled))


class QuietlyCut(TorchIndex):
    def search(self, queries, k):
        return super().search(queries, min(k, len(self.keys)))


@pytest.mark.parametrize(("index", "rule", "hint"), [
    (Unsorted, "index.sorted", "index-unsorted-pool"), (FirstRowWins, "index.last-row-wins", "index-first-row-wins"),
    (EmptySlotsToo, "index.written-only", "index-empty-slots"), (QuietlyCut, "index.k-within-memory", "index-k-cut")])
def test_a_mistake_planted_in_an_index_is_named(index, rule, hint):
    run = conform(IndexOf(index), [case for case in ALL if case.group == "neighbours" and case.dtype == "float64"])
    assert run.exit_code == 1 and run.suspects[0] == rule
    assert hint in [hint for result in run.results for hint in result.hints]
