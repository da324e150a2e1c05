"""What holds of every operation: exact gradients, dtypes kept, inputs left alone, wrong arguments refused."""

import numpy as np
import pytest

from support.differences import vjp
from support.operations import CASES

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def gradient_for(y, seed=5):
    return np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)


@each
def test_backward_is_the_gradient_of_forward(case):
    inputs = case.inputs()
    y, cache = case.forward(*inputs)
    dy = gradient_for(y)
    expected = vjp(lambda *moved: case.forward(*moved)[0], inputs, dy)
    for got, want in zip(case.backward(dy, cache), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


@each
def test_backward_is_linear_in_dy(case):
    y, cache = case.forward(*case.inputs())
    one, two = gradient_for(y, 1), gradient_for(y, 2)
    apart = zip(case.backward(one, cache), case.backward(two, cache), strict=True)
    for (a, b), together in zip(apart, case.backward(one + 3 * two, cache), strict=True):
        np.testing.assert_allclose(together, a + 3 * b, rtol=1e-11, atol=1e-11)


@each
@both
def test_shapes_and_dtypes_are_kept_and_inputs_are_left_alone(case, dtype):
    inputs = case.inputs(dtype)
    for array in inputs:
        array.setflags(write=False)  # whoever writes to it fails
    y, cache = case.forward(*inputs)
    dy = gradient_for(y)
    dy.setflags(write=False)
    gradients = case.backward(dy, cache)
    assert y.dtype == dtype
    assert [gradient.shape for gradient in gradients] == [array.shape for array in inputs]
    assert {gradient.dtype for gradient in gradients} == {np.dtype(dtype)}


@each
def test_the_same_twice(case):
    first, second = (case.forward(*case.inputs()) for _ in range(2))
    dy = gradient_for(first[0])
    np.testing.assert_array_equal(first[0], second[0])
    for a, b in zip(case.backward(dy, first[1]), case.backward(dy, second[1]), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_a_backward_does_not_use_up_the_cache(case):
    y, cache = case.forward(*case.inputs())
    dy = gradient_for(y)
    for a, b in zip(case.backward(dy, cache), case.backward(dy, cache), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_float32_agrees_with_float64(case):
    exact, cache = case.forward(*case.inputs(np.float64))
    y, cache32 = case.forward(*case.inputs(np.float32))
    dy = gradient_for(exact)
    np.testing.assert_allclose(y, exact, rtol=1e-4, atol=1e-4)
    for got, want in zip(case.backward(dy.astype(np.float32), cache32), case.backward(dy, cache), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


@each
@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128, bool])
def test_other_dtypes_are_refused(case, dtype):
    inputs = case.inputs()
    with pytest.raises(TypeError, match="float32 or float64"):
        case.forward(inputs[0].astype(dtype), *inputs[1:])


@each
def test_mixed_dtypes_are_refused(case):
    for which in range(1, len(case.shapes)):
        inputs = case.inputs()
        inputs[which] = inputs[which].astype(np.float32)
        with pytest.raises(TypeError, match="must be float64, got float32"):
            case.forward(*inputs)


@each
def test_lists_are_refused(case):
    inputs = case.inputs()
    with pytest.raises(TypeError, match="must be a NumPy or CuPy array"):
        case.forward(inputs[0].tolist(), *inputs[1:])


@each
def test_a_wrong_number_of_dimensions_is_refused(case):
    for which, rank in enumerate(case.ranks):
        inputs = case.inputs()
        inputs[which] = inputs[which][None]
        if rank is not None:
            with pytest.raises(ValueError, match="must have"):
                case.forward(*inputs)


@each
def test_a_dy_of_another_shape_or_dtype_is_refused(case):
    y, cache = case.forward(*case.inputs())
    with pytest.raises(ValueError, match="must have shape"):
        case.op.backward(np.zeros((*y.shape, 1)), cache)
    with pytest.raises(ValueError, match="must have shape"):
        case.op.backward(np.zeros(y.shape[:-1] + (y.shape[-1] + 1,)), cache)
    with pytest.raises(TypeError, match="must be float64, got float32"):
        case.op.backward(y.astype(np.float32), cache)
