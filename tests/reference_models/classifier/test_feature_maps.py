"""Feature maps against the operations one after the other, in the order of the paper."""

import numpy as np
import pytest

from reference_models.classifier import embedding, feature_maps
from reference_models.classifier.embedding import Size
from refmem.ops import conv2d, max_pool2d, relu


def by_the_book(params, images, d_maps):
    """conv, ReLU, conv, ReLU, pool, twice, the whole batch at once; and back. Returns maps, gradients, d_images."""
    x, steps = images, []
    for number in (1, 2, 3, 4):
        x, cache = conv2d.forward(x, params[f"conv{number}.kernels"], params[f"conv{number}.bias"])
        steps.append((conv2d, f"conv{number}", cache))
        x, cache = relu.forward(x)
        steps.append((relu, None, cache))
        if number in (2, 4):
            x, cache = max_pool2d.forward(x)
            steps.append((max_pool2d, None, cache))
    gradients, dx = {}, d_maps
    for op, name, cache in reversed(steps):
        if name is None:
            dx = op.backward(dx, cache)
        else:
            dx, gradients[f"{name}.kernels"], gradients[f"{name}.bias"] = op.backward(dx, cache)
    return x, gradients, dx


@pytest.mark.parametrize("batch", [1, 3, 8, 11])
@pytest.mark.parametrize("conv", feature_maps.CONVOLUTIONS)
def test_they_are_the_layers_one_after_the_other(conv, batch):
    rng = np.random.default_rng(0)
    params = embedding.initial_params(Size((2, 3, 3, 4), (5,), 1.0, "fan_in"), rng, np.float64)
    for name in params:
        params[name] = params[name] + 0.1 * rng.standard_normal(params[name].shape)
    images = rng.random((batch, 14, 12, 1))
    maps, cache = feature_maps.forward(params, images, conv)
    d_maps = rng.standard_normal(maps.shape)
    expected, gradients, d_images = by_the_book(params, images, d_maps)
    got, got_images = feature_maps.backward(d_maps, cache, d_images=True)
    np.testing.assert_allclose(maps, expected, atol=1e-11)
    np.testing.assert_allclose(got_images, d_images, atol=1e-10)
    assert got.keys() == gradients.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(got[name], gradient, atol=1e-9)
    without, none = feature_maps.backward(d_maps, cache, d_images=False)
    assert none is None
    for name, gradient in without.items():
        np.testing.assert_array_equal(gradient, got[name])


def test_sizes_are_rounded_up():
    params = embedding.initial_params(Size((1, 1, 1, 1), (5,), 1.0, "fan_in"), np.random.default_rng(0), np.float64)
    assert feature_maps.forward(params, np.zeros((2, 9, 5, 1)), "plain")[0].shape == (2, 3, 2, 1)
