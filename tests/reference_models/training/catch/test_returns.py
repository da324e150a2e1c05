"""Returns over n steps, against the sum as it is written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.training.catch.returns import n_step_returns


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 7), st.integers(1, 9), st.floats(0, 1), st.integers(0, 99))
def test_it_is_the_sum(batch, length, n, gamma, seed):
    rng = np.random.default_rng(seed)
    r, v = rng.standard_normal((2, batch, length))
    returns = n_step_returns(r, v, steps=n, discount=gamma)
    for b in range(batch):
        for t in range(length):
            seen = sum(gamma**i * r[b, t + i] for i in range(min(n, length - t)))
            expected = seen + (gamma**n * v[b, t + n] if t + n < length else 0.0)
            assert returns[b, t] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_what_is_expected_does_not_matter_once_all_is_seen():
    r = np.array([[0, 0, 1.0]], np.float32)
    returns = n_step_returns(r, np.full_like(r, 99), steps=3, discount=0.5)
    assert returns.tolist() == [[0.25, 0.5, 1.0]] and returns.dtype == np.float32


@pytest.mark.parametrize(("named", "message"), [
    ({"steps": 0}, "steps must be at least 1, got 0"), ({"discount": 1.5}, r"discount must lie in \[0, 1\], got 1.5"),
    ({"values": np.zeros((1, 2))}, r"values must have shape \(1, 3\)"),
])
def test_wrong_arguments_are_refused(named, message):
    with pytest.raises(ValueError, match=message):
        n_step_returns(**{"rewards": np.zeros((1, 3)), "values": np.zeros((1, 3)), "steps": 1, "discount": 1.0} | named)
