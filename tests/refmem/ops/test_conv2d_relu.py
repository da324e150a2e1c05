"""The fused first layer is the convolution and then the ReLU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmem.ops import conv2d, conv2d_relu, relu


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)), st.integers(0, 2**31))
def test_it_is_the_two_one_after_the_other(size, seed):
    *images, filters = size
    rng = np.random.default_rng(seed)
    x, kernels, bias = (rng.standard_normal(shape) for shape in ((*images, 1), (3, 3, 1, filters), (filters,)))
    dy = rng.standard_normal((*images, filters))
    y, cache = conv2d_relu.forward(x, kernels, bias)
    linear, of_conv = conv2d.forward(x, kernels, bias)
    expected, of_relu = relu.forward(linear)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    wanted = conv2d.backward(relu.backward(dy, of_relu), of_conv)
    for got, want in zip(conv2d_relu.backward(dy, cache), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)
    for got, want in zip(conv2d_relu.backward_parameters(dy, cache), wanted[1:], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


def test_nothing_that_is_no_number_is_hidden():
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, 1, 1] = np.nan
    y, _ = conv2d_relu.forward(x, np.ones((3, 3, 1, 2), np.float32), np.zeros(2, np.float32))
    assert y.dtype == np.float32 and np.isnan(y[0, :3, :3]).all() and not np.isnan(y[0, 3]).any()


@pytest.mark.parametrize("shape", [(3, 3, 2, 1), (5, 3, 1, 1)])
def test_it_takes_one_channel_and_kernels_of_three(shape):
    with pytest.raises(ValueError, match="must be 3x3 of one channel for conv2d_relu, got shape"):
        conv2d_relu.forward(np.zeros((1, 4, 4, shape[2])), np.zeros(shape), np.zeros(1))
