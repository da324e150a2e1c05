"""The vectors of an index: every index of refmem passes those that it must, in either dtype."""

import dataclasses

import pytest

from refmem.conformance.case import load_all
from refmem.conformance.groups.neighbours import reference
from refmem.conformance.runner import conform
from refmem.conformance.verdict import Verdict
from refmem.neighbours import NAMES, rules

CASES = [case for case in load_all() if case.group == "neighbours"]


class Index:
    """One of refmem's indexes, which need not be exact."""

    def __init__(self, search):
        self.search = search

    def describe(self):
        return {"name": self.search, "groups": ["neighbours"]}

    def neighbours(self, task):
        return reference(dataclasses.replace(task, config=task.config | {"search": self.search}))


COMPILED = ("fused", "sketch", "buckets")  # half a minute to compile


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in COMPILED else ())
                                  for name in NAMES])
def test_every_index_keeps_the_rules(name):
    run = conform(Index(name), CASES)
    assert [(r.case.id, r.reason) for r in run.results if r.verdict not in (Verdict.PASS, Verdict.SKIP)] == []
    assert run.count(Verdict.PASS) >= 26


def test_the_rules_of_the_index_are_those_of_the_vectors():
    exercised = {rule for case in CASES for rule in case.rules}
    assert set(rules.RULES) <= exercised
