"""The linear layer against the loop and autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import linear

few = st.integers(1, 4)


@settings(deadline=None)
@given(few, few, few)
def test_it_is_the_loop(batch, inputs, outputs):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in ((batch, inputs), (inputs, outputs), (outputs,))]
    np.testing.assert_allclose(linear.forward(*arrays)[0], oracle.linear(*(a.tolist() for a in arrays)), atol=1e-13)


def test_it_is_the_linear_layer_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in ((5, 7), (7, 3), (3,))]
    x, weights, bias = (torch.tensor(array, requires_grad=True) for array in arrays)
    y, cache = linear.forward(*arrays)
    dy = rng.standard_normal(y.shape)
    torch.nn.functional.linear(x, weights.T, bias).backward(torch.tensor(dy))
    for got, want in zip(linear.backward(dy, cache), (x, weights, bias), strict=True):
        np.testing.assert_allclose(got, want.grad.numpy(), atol=1e-13)


def test_an_empty_batch_has_gradients_of_zero():
    y, cache = linear.forward(np.zeros((0, 3)), np.ones((3, 2)), np.ones(2))
    dx, d_weights, d_bias = linear.backward(y, cache)
    assert dx.shape == (0, 3)
    assert not d_weights.any()
    assert not d_bias.any()


@pytest.mark.parametrize(("shapes", "message"), [
    (((2, 3), (4, 5), (5,)), r"x must have shape \(2, 4\), got \(2, 3\)"),
    (((2, 3), (3, 5), (4,)), r"bias must have shape \(5,\), got \(4,\)"),
])
def test_what_does_not_fit_is_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        linear.forward(*(np.zeros(shape) for shape in shapes))
