"""Every rule has one home, vectors and mutants; the vectors kill every mutant, and no rule's vectors are idle."""

import pytest

from refmem.conformance import rules
from refmem.conformance.case import load_all
from refmem.conformance.coverage import coverage
from refmem.conformance.mutants import all_mutants
from refmem.conformance.mutants.kills import alive_without, kills


def test_every_rule_has_code_vectors_and_mutants():
    assert {item.id: item.missing for item in coverage() if item.missing} == {}


def test_two_homes_are_an_error(monkeypatch, tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("# spec: some.rule -- it holds (LTRRE §2)\nx = 1\n")
    monkeypatch.setattr(rules, "ROOT", tmp_path)
    monkeypatch.setattr(rules, "PLACES", ("a.py", "b.py"))
    with pytest.raises(ValueError, match="two homes: a.py:2 and b.py:2"):
        rules.index.__wrapped__()


def test_a_rule_is_read_with_its_surroundings():
    source = ('"""Top."""\n\n\ndef f(x):\n    """Twice.\n\n    Not differentiated: x."""\n'
              "    # spec: a.b -- y = 2 x, whatever\n    #     x is (LTRRE §2, eq. 3)\n    # spec: c.d -- more\n"
              "    return 2 * x\n")
    first, second = rules.rules_in(source, "f.py")
    assert (first.statement, first.source) == ("y = 2 x, whatever x is", "LTRRE §2, eq. 3")
    assert (first.line, first.function, first.not_differentiated) == (11, "f", "Not differentiated: x.")
    assert (second.statement, second.source, second.line) == ("more", "", 11)


@pytest.fixture(scope="module")
def table():
    """Which case in float64 kills which mutant."""
    cases = [case for case in load_all() if case.dtype == "float64"]
    mutants = all_mutants()
    return mutants, cases, kills(mutants, cases)


def test_the_vectors_kill_every_mutant(table):
    mutants, _, killed_by = table
    assert len(mutants) >= 60
    assert [id for id, by in killed_by.items() if not by] == []


def test_without_the_vectors_of_a_rule_a_mutant_of_it_lives(table):
    mutants, cases, killed_by = table
    idle = [rule for rule in rules.index() if not alive_without(rule, mutants, cases, killed_by)]
    assert idle == []
