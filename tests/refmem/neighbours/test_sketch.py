"""Sign sketches: what the scan may and may not miss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.points import near, sphere

from refmem.neighbours import exact
from refmem.neighbours.sketch import Sketch


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2 ** 32 - 1))
def test_a_larger_budget_finds_more(seed):
    rng = np.random.default_rng(seed)
    keys, queries = sphere(rng, 3000, 48, "f4"), sphere(rng, 64, 48, "f4")  # nothing is near: the budget decides
    wanted, _ = exact.search(queries, keys, 10)
    found = [sum(np.isin(row, right).sum() for row, right in
                 zip(Sketch(keys, budget=budget).search(queries, 10)[0], wanted, strict=True))
             for budget in (40, 200, 1000, 3000)]
    assert found == sorted(found)
    assert found[0] < found[-1] and found[-1] > 0.9 * wanted.size


def test_a_cluster_larger_than_the_budget_is_searched_whole():
    rng = np.random.default_rng(2)
    keys = sphere(rng, 40_000, 64, "f4")
    members = rng.choice(40_000, 2000, replace=False)
    keys[members] = near(rng, keys, np.full(2000, members[0]), 0.85)  # cosine 0.72 with each other
    queries = near(rng, keys, np.full(20, members[5]), 0.85)
    slots, _ = Sketch(keys, budget=100).search(queries, 1)
    wanted, _ = exact.search(queries, keys, 1)
    assert (slots == wanted).mean() >= 0.95


def test_sketches_take_little_memory():
    keys = sphere(np.random.default_rng(4), 20_000, 128, "f4")
    assert Sketch(keys).nbytes() <= 0.15 * keys.nbytes


def test_a_bad_budget_is_refused():
    with pytest.raises(ValueError, match="budget must be"):
        Sketch(np.eye(4), budget=0)
