"""The array module: which one, top-k with ties, and the checks that name their argument."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refmem import arrays

few_values = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 12)),
                        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.25, 1.0]))


@given(few_values, st.data())
def test_top_k_takes_the_largest_and_the_lower_index_of_equals(scores, data):
    k = data.draw(st.integers(1, scores.shape[1]))
    picked = arrays.top_k(scores, k)
    for row, chosen in zip(scores, picked, strict=True):
        expected = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        assert chosen.tolist() == expected
    assert picked.dtype == np.int64


@pytest.mark.parametrize("k", [0, 4])
def test_top_k_refuses_a_k_that_the_row_does_not_have(k):
    with pytest.raises(ValueError, match="k must lie between 1 and the 3 scores"):
        arrays.top_k(np.zeros((2, 3)), k)


def test_the_last_row_wins_where_slots_repeat():
    target = np.zeros(3)
    arrays.put_rows(target, np.array([1, 2, 1]), np.array([5.0, 6.0, 7.0]))
    assert target.tolist() == [0, 7, 6]


@pytest.mark.parametrize("thing", [[1.0], 3.0, "array", None])
def test_what_is_not_an_array_is_refused_by_name(thing):
    with pytest.raises(TypeError, match="queries must be a NumPy or CuPy array, got"):
        arrays.module_of(thing, "queries")


def test_a_tensor_of_another_library_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="must be a NumPy or CuPy array"):
        arrays.module_of(torch.zeros(2))


@pytest.mark.parametrize("labels, classes, sentence", [
    (np.array([0, 3]), 3, r"labels must be in 0\.\.2, got 3"),
    (np.array([0, -1]), None, "labels must be at least 0, got -1"),
    (np.array([0.0, 1.0]), None, "labels must be integers"),
    (np.array([0]), None, r"labels must have shape \(2,\)"),
])
def test_labels_out_of_range_or_of_another_kind(labels, classes, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        arrays.check_labels("labels", labels, 2, classes)


def test_not_finite_says_where():
    x = np.zeros((2, 3))
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"queries must be finite, got nan at index \[1, 2\]"):
        arrays.check_finite("queries", x)
