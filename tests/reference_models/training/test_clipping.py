"""Clipping by the global norm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference_models.training.clipping import clip_by_global_norm, global_norm

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
