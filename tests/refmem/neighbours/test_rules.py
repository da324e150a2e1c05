"""The rules of an index: all ours keep them, and each planted mistake breaks the one it should."""

import numpy as np
import pytest

from refmem.neighbours import NAMES, make, rules
from refmem.neighbours.buckets import Buckets
from refmem.neighbours.hyperplanes import Hyperplanes
from refmem.neighbours.plain import Exact
from refmem.neighbours.sketch import Sketch


class StaleKey(Sketch):
    """An overwritten slot keeps the code of its old key."""

    def refresh(self, slots):
        coarse, fine = self.coarse.copy(), self.fine.copy()
        old = slots[self.filled[slots]]
        super().refresh(slots)
        self.coarse[old // 64, :, old % 64] = coarse[old // 64, :, old % 64]
        self.fine[old] = fine[old]


class LostOnOverwrite(Hyperplanes):
    """A new entry pushes one that is still there out of its bucket."""

    def refresh(self, slots):
        super().refresh(slots)
        neighbour = (slots[0] + 1) % len(self.keys)
        self.codes[:, neighbour] = -1


class AddedTogether(Exact):
    """Two slots written to one entry are added, as by a scatter with duplicates."""

    def search(self, queries, k):
        slots, cosines = super().search(queries, k)
        if k > 1:
            slots[:, 1] = np.minimum(slots[:, 0] + slots[:, 1], len(self.keys) - 1)
        return slots, cosines


class UnsortedPool(Exact):
    """The pool stands in the order of the buckets."""

    def search(self, queries, k):
        slots, cosines = super().search(queries, k)
        return slots[:, ::-1].copy(), cosines[:, ::-1].copy()


class Duplicates(Exact):
    """A slot that two tables bring up is in the pool twice."""

    def search(self, queries, k):
        slots, cosines = super().search(queries, k)
        slots[:, 1:2], cosines[:, 1:2] = slots[:, :1], cosines[:, :1]
        return slots, cosines


class OldCosines(Exact):
    """Re-ranked with the keys as they were when the index was made."""

    def rebuild(self, keys, filled=None):
        super().rebuild(keys, filled)
        self.old = keys.copy()

    def search(self, queries, k):
        slots, _ = super().search(queries, k)
        return slots, np.einsum("bd,bkd->bk", queries, self.old[slots])


class EmptySlotsToo(Exact):
    """Slots that nobody has written are neighbours with cosine 0."""

    def search(self, queries, k):
        self.filled[:] = True
        return super().search(queries, k)


class GivesUpEarly(Buckets):
    """Returns what the buckets held, however little."""

    def search(self, queries, k):
        slots, cosines = super().search(queries, k)
        if k > 1:
            slots[:, -1], cosines[:, -1] = -1, -1
        return slots, cosines


MUTANTS = {StaleKey: "index.own-key", LostOnOverwrite: "index.own-key", AddedTogether: "index.current-keys",
           UnsortedPool: "index.sorted", Duplicates: "index.distinct", OldCosines: "index.current-keys",
           EmptySlotsToo: "index.written-only", GivesUpEarly: "index.full-rows"}


@pytest.mark.parametrize("name", NAMES)
def test_ours_keep_all_rules(name):
    assert rules.broken(lambda keys, filled: make(name, keys, filled=filled)) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_mistake_breaks_its_rule(mutant):
    seen = rules.broken(lambda keys, filled: mutant(keys, filled=filled))
    assert MUTANTS[mutant] in seen, seen


def test_every_rule_is_broken_by_some_mutant():
    seen = set().union(*(rules.broken(lambda keys, filled, mutant=mutant: mutant(keys, filled=filled))
                         for mutant in MUTANTS))
    assert seen == set(rules.RULES)
