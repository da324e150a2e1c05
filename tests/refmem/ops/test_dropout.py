"""Dropout: its mask, its mean, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmem.ops import dropout


@given(st.floats(0.05, 1.0), st.integers(0, 2**31))
def test_each_element_is_dropped_or_scaled_up_and_its_gradient_likewise(keep, seed):
    x = np.arange(1.0, 31.0).reshape(5, 6)
    y, cache = dropout.forward(x, keep, np.random.default_rng(seed))
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / keep, rtol=1e-15)
    dx = dropout.backward(np.ones_like(x), cache)
    np.testing.assert_array_equal(dx != 0, kept)
    np.testing.assert_allclose(dx[kept], 1 / keep, rtol=1e-15)


def test_the_mean_stays():
    y, _ = dropout.forward(np.ones(100_000), 0.3, np.random.default_rng(0))
    assert abs(y.mean() - 1) < 0.03  # six standard deviations
    assert abs((y != 0).mean() - 0.3) < 0.01


def test_keeping_all_is_the_identity_and_draws_nothing():
    x, rng = np.arange(6.0), np.random.default_rng(0)
    before = rng.bit_generator.state
    y, cache = dropout.forward(x, 1, rng)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dropout.backward(x, cache), x)
    assert rng.bit_generator.state == before


def test_both_dtypes_have_the_same_mask():
    masks = [dropout.forward(np.ones(50, dtype), 0.5, np.random.default_rng(3))[0] != 0
             for dtype in (np.float32, np.float64)]
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("keep", [0, -0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(keep):
    with pytest.raises(ValueError, match=r"keep must lie in \(0, 1\]"):
        dropout.forward(np.ones(3), keep, np.random.default_rng(0))


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0)])
def test_only_a_generator_will_do(rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        dropout.forward(np.ones(3), 0.5, rng)
