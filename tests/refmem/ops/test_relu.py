"""ReLU against the loop, and at its kink."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import relu

numbers = st.lists(st.sampled_from([-2.5, -1e-300, -0.0, 0.0, 1e-300, 3.0]), max_size=8)


@given(numbers)
def test_it_is_the_loop(values):
    y, cache = relu.forward(np.array(values, float))
    dy = np.arange(1.0, len(values) + 1)
    expected, dx = oracle.relu(values, dy.tolist())
    assert y.tolist() == expected
    assert relu.backward(dy, cache).tolist() == dx


def test_the_derivative_at_zero_is_zero():
    _, cache = relu.forward(np.zeros(2))
    assert relu.backward(np.ones(2), cache).tolist() == [0, 0]
