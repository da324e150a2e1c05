"""The plain convolution against loops, autograd and known answers; its three fast twins against it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import conv2d, conv2d_columns, conv2d_im2col, conv2d_winograd

TWINS = {"im2col": conv2d_im2col, "columns": conv2d_columns, "winograd": conv2d_winograd}
twins = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())

sizes = st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 5))
odd = st.sampled_from([1, 3, 5])


def random_case(size, kh=3, kw=3, *, dtype=np.float64, seed=0):
    """(x, kernels, bias), dy."""
    batch, height, width, channels, filters = size
    rng = np.random.default_rng(seed)
    shapes = (batch, height, width, channels), (kh, kw, channels, filters), (filters,), (batch, height, width, filters)
    *inputs, dy = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return inputs, dy


def all_results(op, inputs, dy):
    y, cache = op.forward(*inputs)
    return y, *op.backward(dy, cache)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5), st.integers(1, 2), st.integers(1, 2)),
       odd, odd)
def test_it_is_the_equation(size, kh, kw):
    inputs, dy = random_case(size, kh, kw)
    lists = [array.tolist() for array in inputs]
    expected = oracle.conv2d(*lists), *oracle.conv2d_backward(*lists[:2], dy.tolist())
    for got, want in zip(all_results(conv2d, inputs, dy), expected, strict=True):
        np.testing.assert_allclose(got, np.array(want), rtol=1e-12, atol=1e-12)


def test_a_kernel_with_a_single_one_shifts_the_image():
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    kernels = np.zeros((3, 3, 1, 1))
    kernels[0, 2] = 1  # row above, column to the right
    y, _ = conv2d.forward(x, kernels, np.zeros(1))
    assert y[0, :, :, 0].tolist() == [[0, 0, 0, 0], [1, 2, 3, 0], [5, 6, 7, 0]]


@pytest.mark.parametrize("op", [conv2d, *TWINS.values()])
def test_it_is_the_convolution_of_pytorch(op):
    torch = pytest.importorskip("torch")
    inputs, dy = random_case((3, 7, 10, 4, 5))
    x, kernels, bias = (torch.tensor(array, requires_grad=True) for array in inputs)
    y = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), kernels.permute(3, 2, 0, 1), bias, padding="same")
    y.backward(torch.tensor(dy).permute(0, 3, 1, 2))
    expected = y.detach().permute(0, 2, 3, 1), x.grad, kernels.grad, bias.grad
    for got, want in zip(all_results(op, inputs, dy), expected, strict=True):
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-11, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(sizes, odd, odd, st.integers(0, 2**31))
def test_columns_give_the_plain_one(size, kh, kw, seed):
    inputs, dy = random_case(size, kh, kw, seed=seed)
    want = all_results(conv2d, inputs, dy)
    for twin in (conv2d_im2col, conv2d_columns):
        for got, of_plain in zip(all_results(twin, inputs, dy), want, strict=True):
            np.testing.assert_allclose(got, of_plain, rtol=1e-11, atol=1e-12)


def assert_within_the_bound(got, exact, dtype, product=0.0):
    """No result is further off than MAX_ERROR root mean squares of that result, or tenths of the largest product."""
    scale = max(rms(exact), 0.1 * product) if exact.size else 0.0
    assert np.abs(got - exact).max(initial=0) <= conv2d_winograd.MAX_ERROR[np.dtype(dtype).name] * scale


@settings(max_examples=40, deadline=None)
@example((1, 1, 1, 1, 1), np.float32, 79)  # one number, from the least of the kernels
@given(sizes, st.sampled_from([np.float32, np.float64]), st.integers(0, 2**31))
def test_winograd_is_the_plain_one_within_its_bound(size, dtype, seed):
    inputs, dy = random_case(size, dtype=dtype, seed=seed)
    exact = all_results(conv2d, [array.astype(np.float64) for array in inputs], dy.astype(np.float64))
    x, kernels, dy_most = (np.abs(array).max(initial=0.0) for array in (*inputs[:2], dy))
    products = x * kernels, dy_most * kernels, x * dy_most
    for got, want, product in zip(all_results(conv2d_winograd, inputs, dy)[:3], exact, products, strict=False):
        assert_within_the_bound(got, want, dtype, product)


@pytest.mark.parametrize(("side", "channels", "filters"), [(28, 1, 16), (28, 32, 32), (14, 64, 64)])
def test_winograd_in_float32_on_the_layers_of_the_classifier(side, channels, filters):
    inputs, dy = random_case((4, side, side, channels, filters), dtype=np.float32)
    exact = all_results(conv2d, [array.astype(np.float64) for array in inputs], dy.astype(np.float64))
    plain, fast = all_results(conv2d, inputs, dy), all_results(conv2d_winograd, inputs, dy)
    for name, want, one, other in zip(("y", "dx", "d_kernels"), exact, plain, fast, strict=False):
        assert_within_the_bound(other, want, np.float32)
        assert rms(other - want) <= 4e-6 * rms(want), name
        assert rms(one - want) <= 1.5e-6 * rms(want), name


def rms(array):
    return np.sqrt(np.mean(np.square(array)))


@pytest.mark.parametrize("batch", [1, 3, 8, 9, 17])
@twins
def test_chunks_of_any_number_of_images_make_no_difference(twin, batch, monkeypatch):
    monkeypatch.setattr(conv2d_im2col, "CHUNK_BYTES", 3 * 6 * 7 * 9 * 2 * 8)  # three images
    monkeypatch.setattr(conv2d_winograd, "AT_ONCE", 3 * 4 * 3)  # three images
    inputs, dy = random_case((batch, 6, 7, 2, 3))
    for got, want in zip(all_results(twin, inputs, dy), all_results(conv2d, inputs, dy), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("op", [conv2d, *TWINS.values()], ids=["plain", *TWINS])
def test_the_gradients_of_the_parameters_alone_are_the_same(op):
    inputs, dy = random_case((3, 5, 5, 2, 4))
    _, cache = op.forward(*inputs)
    for got, want in zip(op.backward_parameters(dy, cache), op.backward(dy, cache)[1:], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("op", [conv2d, *TWINS.values()], ids=["plain", *TWINS])
def test_arrays_that_do_not_lie_in_order_are_as_good(op):
    inputs, dy = random_case((2, 5, 6, 3, 4))
    turned = [np.asfortranarray(array) for array in inputs]
    for got, want in zip(all_results(op, turned, np.asfortranarray(dy)), all_results(op, inputs, dy), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("op", [conv2d, *TWINS.values()], ids=["plain", *TWINS])
def test_an_infinity_stays_where_it_is_or_spreads_but_never_leaks_to_another_image(op):
    (x, kernels, bias), _ = random_case((3, 6, 6, 2, 2))
    clean, _ = op.forward(x, kernels, bias)
    x[1, 2, 2, 0] = np.inf
    with np.errstate(invalid="ignore"):
        y, _ = op.forward(x, kernels, bias)
    np.testing.assert_array_equal(y[[0, 2]], clean[[0, 2]])
    assert not np.isfinite(y[1]).all()


@pytest.mark.parametrize("op", [conv2d, *TWINS.values()], ids=["plain", *TWINS])
@pytest.mark.parametrize(("shapes", "message"), [
    (((1, 4, 4, 2), (2, 3, 2, 1), (1,)), "odd height and width, got 2x3"),
    (((1, 4, 4, 2), (3, 3, 5, 1), (1,)), "must have the 5 channels that kernels has"),
    (((1, 4, 4, 2), (3, 3, 2, 1), (2,)), r"bias must have shape \(1,\), got \(2,\)"),
    (((4, 4, 2), (3, 3, 2, 1), (1,)), "x must have 4 dimensions"),
])
def test_what_does_not_fit_is_refused(op, shapes, message):
    with pytest.raises(ValueError, match=message):
        op.forward(*(np.zeros(shape) for shape in shapes))


def test_winograd_takes_kernels_of_three_alone():
    with pytest.raises(ValueError, match="must be 3x3 for conv2d_winograd, got 5x3"):
        conv2d_winograd.forward(np.zeros((1, 4, 4, 1)), np.zeros((5, 3, 1, 1)), np.zeros(1))


@pytest.mark.parametrize(("outputs", "taps"), [(4, 3), (3, 4)])
def test_the_transforms_make_a_correlation(outputs, taps):
    """y_i = sum_j k_j d_{i+j}, exactly, for each pair of unit vectors."""
    A, G, B = conv2d_winograd.matrices(outputs, taps)
    for i, k in np.ndindex(6, taps):
        data, kernel = np.eye(6)[i], np.eye(taps)[k]
        expected = [float(kernel @ data[o:o + taps]) for o in range(outputs)]
        np.testing.assert_allclose(A.T @ ((G @ kernel) * (B.T @ data)), expected, atol=1e-14)
