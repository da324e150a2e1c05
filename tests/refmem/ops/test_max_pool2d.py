"""Pooling against loops; ties, odd sizes, autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracles import ops as oracle
from refmem.ops import max_pool2d, relu

# Few different numbers, so that windows are full of ties.
images = st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5), st.integers(1, 2)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0])))


@settings(deadline=None)
@given(images)
def test_it_is_the_maximum_and_the_first_of_equals_takes_the_gradient(x):
    y, cache = max_pool2d.forward(x)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected, dx = oracle.max_pool2d(x.tolist(), dy.tolist())
    assert y.tolist() == expected
    np.testing.assert_array_equal(max_pool2d.backward(dy, cache), dx)


@settings(deadline=None)
@given(images)
def test_no_gradient_is_lost_or_counted_twice(x):
    y, cache = max_pool2d.forward(x)
    dy = np.random.default_rng(0).integers(1, 9, y.shape).astype(np.float64)
    assert max_pool2d.backward(dy, cache).sum() == dy.sum()


@settings(deadline=None)
@given(images)
def test_before_or_after_a_relu_is_all_the_same(x):
    """The feature maps of the classifier rely on it, to the bit."""
    pooled, pool_first = max_pool2d.forward(x)
    one, relu_last = relu.forward(pooled)
    active, relu_first = relu.forward(x)
    other, pool_last = max_pool2d.forward(active)
    np.testing.assert_array_equal(one, other)
    dy = np.random.default_rng(0).standard_normal(one.shape)
    np.testing.assert_array_equal(max_pool2d.backward(relu.backward(dy, relu_last), pool_first),
                                  relu.backward(max_pool2d.backward(dy, pool_last), relu_first))


def test_a_flat_background_gives_the_gradient_to_its_first_pixel():
    _, cache = max_pool2d.forward(np.zeros((1, 2, 2, 1)))
    assert max_pool2d.backward(np.ones((1, 1, 1, 1)), cache)[0, :, :, 0].tolist() == [[1, 0], [0, 0]]


def test_a_window_that_sticks_out_takes_what_it_covers_even_when_that_is_negative():
    y, _ = max_pool2d.forward(np.array([[-3.0, -1.0, -7.0]]).reshape(1, 1, 3, 1))
    assert y.ravel().tolist() == [-1, -7]


@pytest.mark.parametrize("shape", [(0, 4, 4, 2), (2, 0, 4, 1), (2, 4, 4, 0)])
def test_nothing_makes_nothing(shape):
    y, cache = max_pool2d.forward(np.zeros(shape))
    assert max_pool2d.backward(y, cache).shape == shape


def test_it_is_the_pool_of_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).integers(0, 4, (2, 7, 6, 3)).astype(np.float64)
    t = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(t.permute(0, 3, 1, 2), 2, ceil_mode=True).permute(0, 2, 3, 1)
    y, cache = max_pool2d.forward(x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    expected.backward(torch.tensor(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.testing.assert_array_equal(max_pool2d.backward(dy, cache), t.grad.numpy())
