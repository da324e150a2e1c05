"""Exact search against a sort of Python floats."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmem.neighbours import exact


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 2 ** 32 - 1), st.data())
def test_the_same_as_sorting_all_cosines(batch, m, seed, data):
    rng = np.random.default_rng(seed)
    queries, keys = rng.integers(-2, 3, (batch, 3)).astype(float), rng.integers(-2, 3, (m, 3)).astype(float)  # ties
    filled = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    k = data.draw(st.integers(1, m))
    slots, cosines = exact.search(queries, keys, k, filled=filled)
    for b in range(batch):
        products = [math.fsum(queries[b, j] * keys[i, j] for j in range(3)) for i in range(m)]
        order = sorted((i for i in range(m) if filled[i]), key=lambda i: (-products[i], i))[:k]
        padding = k - len(order)
        assert slots[b].tolist() == order + [exact.ABSENT_SLOT] * padding
        assert cosines[b].tolist() == [products[i] for i in order] + [exact.ABSENT_COSINE] * padding


def test_all_slots_are_looked_at_where_no_mask_is_given():
    keys = np.eye(4)
    slots, cosines = exact.search(keys[2:3], keys, 4)
    assert slots.tolist() == [[2, 0, 1, 3]]
    assert cosines.tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize("queries, k, sentence", [
    (np.ones((1, 3)), 1, "queries must be 4 wide"),
    (np.ones((1, 4)), 0, "k must lie"),
    (np.ones((1, 4)), 5, "k must lie"),
    (np.ones(4), 1, "queries must have 2 dimensions"),
])
def test_bad_arguments(queries, k, sentence):
    with pytest.raises(ValueError, match=sentence):
        exact.search(queries, np.eye(4), k)
