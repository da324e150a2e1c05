"""The linear layer in slices is the linear layer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.parallel import sliced_linear
from refmem.ops import linear


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(1, 9), st.integers(1, 4), st.integers(1, 12))
def test_slices_change_nothing_but_rounding(batch, inputs, outputs, slices):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in ((batch, inputs), (inputs, outputs), (outputs,))]
    dy = rng.standard_normal((batch, outputs))
    y, cache = sliced_linear.forward(*arrays, slices)
    expected, plain = linear.forward(*arrays)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    for got, want in zip(sliced_linear.backward(dy, cache, slices), linear.backward(dy, plain), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\)"):
        sliced_linear.forward(np.zeros((1, 3)), np.zeros((3, 2)), np.zeros(3), 2)
    y, cache = sliced_linear.forward(np.zeros((1, 3)), np.zeros((3, 2)), np.zeros(2), 2)
    with pytest.raises(ValueError, match=r"dy must have shape \(1, 2\)"):
        sliced_linear.backward(np.zeros((2, 2)), cache, 2)
    with pytest.raises(TypeError, match="dy must be float64"):
        sliced_linear.backward(y.astype(np.float32), cache, 2)
