"""Layer norm against the loop and against PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import fast_weights as oracle

from refmem.ops import layer_norm


def arrays(batch, width, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in ((batch, width), (width,), (width,))]


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.sampled_from([1e-5, 1e-2, 1.0]))
def test_it_is_the_loop(batch, width, eps):
    x, gain, bias = arrays(batch, width)
    y, _ = layer_norm.forward(x, gain, bias, eps=eps)
    for row, got in zip(x.tolist(), y, strict=True):
        np.testing.assert_allclose(got, oracle.layer_norm(row, gain.tolist(), bias.tolist(), eps), atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 6), (6,)])
def test_it_is_the_layer_norm_of_pytorch(shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    inputs = [rng.standard_normal(s) for s in (shape, (6,), (6,))]
    x, gain, bias = (torch.tensor(array, requires_grad=True) for array in inputs)
    y, cache = layer_norm.forward(*inputs)
    dy = rng.standard_normal(shape)
    torch.nn.functional.layer_norm(x, (6,), gain, bias, eps=1e-5).backward(torch.tensor(dy))
    for got, want in zip(layer_norm.backward(dy, cache), (x, gain, bias), strict=True):
        np.testing.assert_allclose(got, want.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_a_row_does_not_depend_on_the_others_of_its_batch_and_over_the_batch_it_does():
    x, gain, bias = arrays(4, 6)
    alone, _ = layer_norm.forward(x[:1], gain, bias)
    np.testing.assert_allclose(layer_norm.forward(x, gain, bias)[0][:1], alone, atol=1e-14)
    columns = layer_norm.forward(x, gain, bias, over="batch")[0]
    turned = layer_norm.forward(np.ascontiguousarray(x.T), np.ones(4), np.zeros(4))[0].T
    np.testing.assert_allclose(columns, turned * gain + bias, atol=1e-13)


def test_over_the_batch_it_has_exact_gradients_too():
    torch = pytest.importorskip("torch")
    inputs = arrays(5, 3)
    x, gain, bias = (torch.tensor(array, requires_grad=True) for array in inputs)
    y, cache = layer_norm.forward(*inputs, over="batch")
    dy = np.random.default_rng(2).standard_normal(y.shape)
    mean = x.mean(0, keepdim=True)
    (gain * (x - mean) / torch.sqrt(((x - mean) ** 2).mean(0, keepdim=True) + 1e-5) + bias).backward(torch.tensor(dy))
    for got, want in zip(layer_norm.backward(dy, cache), (x, gain, bias), strict=True):
        np.testing.assert_allclose(got, want.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_a_constant_row_becomes_the_bias_and_has_a_finite_gradient():
    y, cache = layer_norm.forward(np.full((1, 4), 3.0), np.ones(4), np.arange(4.0))
    np.testing.assert_allclose(y[0], np.arange(4.0), atol=1e-9)
    assert np.isfinite(layer_norm.backward(np.ones((1, 4)), cache)[0]).all()


@pytest.mark.parametrize(("change", "message"), [
    ({"eps": 0.0}, "eps must be positive, got 0.0"),
    ({"over": "channels"}, "over must be 'features', or 'batch' for a matrix, got 'channels'"),
])
def test_what_it_does_not_know_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        layer_norm.forward(*arrays(2, 3), **change)


def test_empty_rows_and_wrong_gains_are_refused():
    with pytest.raises(ValueError, match="at least one number"):
        layer_norm.forward(np.zeros((2, 0)), np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match=r"gain must have shape \(3,\), got \(2,\)"):
        layer_norm.forward(np.zeros((2, 3)), np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="'batch' for a matrix"):
        layer_norm.forward(np.zeros((2, 2, 3)), np.zeros(3), np.zeros(3), over="batch")
