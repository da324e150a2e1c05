"""Normalisation against the loop and autograd, and on both sides of eps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracles import ops as oracle
from refmem.ops import l2_normalize
from support.differences import vjp

rows = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 5)), elements=st.floats(-1e3, 1e3))


@settings(deadline=None)
@given(rows, st.sampled_from([1e-6, 0.5]))
def test_it_is_the_loop(x, eps):
    np.testing.assert_allclose(l2_normalize.forward(x, eps=eps)[0],
                               [oracle.l2_normalize(row, eps) for row in x.tolist()], rtol=1e-13, atol=1e-13)


@settings(deadline=None)
@given(rows)
def test_the_gradient_of_a_long_row_has_no_part_along_it(x):
    y, cache = l2_normalize.forward(x)
    dx = l2_normalize.backward(np.random.default_rng(0).standard_normal(x.shape), cache)
    long = np.linalg.norm(x, axis=1) > 1e-3
    np.testing.assert_allclose((dx * y).sum(axis=1)[long] * np.linalg.norm(x, axis=1)[long], 0, atol=1e-12)


def test_below_eps_the_map_is_linear_and_so_is_its_gradient():
    x = np.array([[3e-8, 4e-8], [0.0, 0.0]])
    y, cache = l2_normalize.forward(x, eps=1e-6)
    np.testing.assert_allclose(y, x * 1e6)
    dy = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(l2_normalize.backward(dy, cache), dy * 1e6)
    np.testing.assert_allclose(l2_normalize.backward(dy, cache),
                               vjp(lambda x: l2_normalize.forward(x)[0], [x], dy, step=1e-9)[0], rtol=1e-6)


def test_it_is_the_normalisation_of_pytorch():
    torch = pytest.importorskip("torch")
    x, dy = np.random.default_rng(0).standard_normal((2, 4, 5))
    t = torch.tensor(x, requires_grad=True)
    torch.nn.functional.normalize(t, eps=1e-6).backward(torch.tensor(dy))
    np.testing.assert_allclose(l2_normalize.backward(dy, l2_normalize.forward(x)[1]), t.grad.numpy(), atol=1e-14)


@pytest.mark.parametrize("eps", [0, -1e-6, float("nan")])
def test_an_eps_that_is_not_positive_is_refused(eps):
    with pytest.raises(ValueError, match="eps must be positive"):
        l2_normalize.forward(np.ones((1, 2)), eps=eps)
