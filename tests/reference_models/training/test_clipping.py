"""Clipping by the global norm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference_models.training.clipping import Usual, clip_by_global_norm, global_norm

vectors = hnp.arrays(np.float64, st.integers(1, 6), elements=st.floats(-1e3, 1e3))


@given(a=vectors, b=vectors, limit=st.floats(1e-3, 1e4))
def test_the_norm_is_bounded_and_the_direction_stays(a, b, limit):
    gradients = {"a": a, "b": b}
    clipped, norm = clip_by_global_norm(gradients, limit)
    everything = np.concatenate([a, b])
    assert norm == pytest.approx(np.linalg.norm(everything))
    assert global_norm(clipped) == pytest.approx(min(norm, limit))
    scale = limit / max(norm, limit)  # as TensorFlow has it
    np.testing.assert_allclose(clipped["a"], a * scale)
    np.testing.assert_allclose(clipped["b"], b * scale)


def test_the_gradients_given_are_left_alone_and_keep_their_dtype():
    g = np.full(4, 3.0, np.float32)
    clipped, _ = clip_by_global_norm({"g": g}, 1.0)
    assert clipped["g"].dtype == np.float32
    np.testing.assert_array_equal(g, np.full(4, 3.0, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_gradient_is_an_error(bad):
    with pytest.raises(FloatingPointError, match="diverged"):
        clip_by_global_norm({"g": np.array([1.0, bad])}, 5.0)


def test_the_limit_must_be_positive():
    with pytest.raises(ValueError, match="limit"):
        clip_by_global_norm({"g": np.ones(1)}, 0.0)


@given(norms=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30), times=st.floats(1.1, 5))
def test_a_spike_is_bound_by_what_was_usual_before_it(norms, times):
    usual, expected = Usual(), norms[0]
    for norm in norms:
        clipped, before = usual.clip({"a": np.array([0.6 * norm]), "b": np.array([0.8 * norm])}, times)
        assert before == pytest.approx(norm)
        bound = min(norm, times * expected)
        assert global_norm(clipped) == pytest.approx(bound)
        expected = 0.95 * expected + 0.05 * bound
        assert usual.norm == pytest.approx(expected)


def test_gradients_of_zero_are_left_alone_and_are_not_what_is_usual():
    usual = Usual()
    clipped, norm = usual.clip({"a": np.zeros(2)}, 2.0)
    assert norm == 0.0 and not clipped["a"].any() and usual.norm == 0.0
    usual.clip({"a": np.ones(4)}, 2.0)
    assert usual.norm == 2.0


def test_a_diverged_gradient_does_not_change_what_is_usual():
    for before in (0.0, 3.0):
        usual = Usual(before)
        with pytest.raises(FloatingPointError, match="diverged"):
            usual.clip({"a": np.array([np.nan])}, 2.0)
        assert usual.norm == before
