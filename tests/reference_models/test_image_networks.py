"""The networks of the glimpse tasks: glimpses, gradients, refusals."""

import numpy as np
import pytest

from reference_models.convnet import ConvNet
from reference_models.cores.catalogue import make
from reference_models.glimpse_network import GlimpseNetwork
from reference_models.tasks import patches


def test_glimpses_are_the_regions_and_their_quarters():
    image = np.arange(64.0).reshape(1, 8, 8)
    seen = patches.glimpses(image)[0]
    assert seen.shape == (24, 6)
    np.testing.assert_array_equal(seen[0, :4], [4.5, 6.5, 20.5, 22.5])  # means of 2 x 2 in the first region
    np.testing.assert_array_equal(seen[1, :4], [0, 1, 8, 9])
    np.testing.assert_array_equal(seen[6 + 2, :4], [6, 7, 14, 15])  # second region, second quarter
    np.testing.assert_array_equal(seen[23, :4], seen[18, :4])
    assert seen[:, 4].tolist() == [1, 0, 0, 0, 0, 1] * 4 and seen[:, 5].tolist() == [0, 0, 0, 0, 0, 1] * 4
    fine = np.sort(seen[seen[:, 4] == 0, :4].ravel())
    np.testing.assert_array_equal(fine, np.arange(64))  # each pixel once


@pytest.mark.parametrize("shape", [(1, 8, 12), (1, 10, 10), (8, 8)])
def test_other_images_have_no_glimpses(shape):
    with pytest.raises(ValueError, match="images must"):
        patches.glimpses(np.zeros(shape))


def networks():
    core = make("fast-weights", patches.width(8), 5, form="attention")
    return {"glimpses": GlimpseNetwork(core, side=8, classes=3, dtype=np.float64),
            "convnet": ConvNet(side=8, units=5, classes=3, dtype=np.float64)}


@pytest.mark.parametrize("name", ["glimpses", "convnet"])
def test_gradients_are_differences(name):
    network = networks()[name]
    rng = np.random.default_rng(0)
    network.params = {key: w + 0.1 * rng.standard_normal(w.shape) for key, w in network.params.items()}
    images = rng.standard_normal((3, 8, 8))
    logits, cache = network.forward(images)
    d_logits = rng.standard_normal(logits.shape)
    gradients = network.backward(d_logits, cache)
    params = network.params
    assert gradients.keys() == params.keys()
    for key, w in params.items():
        direction = rng.standard_normal(w.shape)
        ends = []
        for sign in (1, -1):
            network.params = params | {key: w + sign * 1e-6 * direction}
            ends.append((network.forward(images)[0] * d_logits).sum())
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradients[key] * direction).sum(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["glimpses", "convnet"])
def test_images_of_another_size_are_refused(name):
    with pytest.raises(ValueError, match=r"images must be 8 x 8, got shape \(2, 12, 12\)"):
        networks()[name].forward(np.zeros((2, 12, 12)))


def test_impossible_networks_are_refused():
    with pytest.raises(ValueError, match="core must take 6 inputs, got 7"):
        GlimpseNetwork(make("irnn", 7, 5), side=8, classes=3)
    with pytest.raises(ValueError, match="side must be at least 8, got 4"):
        ConvNet(side=4, units=5, classes=3)
