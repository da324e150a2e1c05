"""The ConvNet: gradients and refusals; and glimpses of the size of a face."""

import numpy as np
import pytest

from reference_models.fast_weights.convnet import ConvNet
from reference_models.tasks.glimpses.order import glimpses, width


def test_a_face_is_seen_in_glimpses_of_12_by_12():
    image = np.arange(48.0 * 48).reshape(1, 48, 48)
    seen = glimpses(image, side=48)[0]
    assert seen.shape == (24, width(48)) == (24, 148)
    np.testing.assert_array_equal(seen[1, :144].reshape(12, 12), image[0, :12, :12])
    np.testing.assert_allclose(seen[0, 0], image[0, :2, :2].mean())
    with pytest.raises(ValueError, match="side must be a multiple of 4, got 10"):
        glimpses(np.zeros((1, 10, 10)), side=10)


def network():
    return ConvNet(side=8, units=5, classes=3, dtype=np.float64)


def test_gradients_are_differences():
    net = network()
    rng = np.random.default_rng(0)
    net.params = {key: w + 0.1 * rng.standard_normal(w.shape) for key, w in net.params.items()}
    images = rng.standard_normal((3, 8, 8))
    logits, cache = net.forward(images)
    d_logits = rng.standard_normal(logits.shape)
    gradients = net.backward(d_logits, cache)
    params = net.params
    assert gradients.keys() == params.keys()
    for key, w in params.items():
        direction = rng.standard_normal(w.shape)
        ends = []
        for sign in (1, -1):
            net.params = params | {key: w + sign * 1e-6 * direction}
            ends.append((net.forward(images)[0] * d_logits).sum())
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradients[key] * direction).sum(), rel=1e-4, abs=1e-6)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"images must be 8 x 8, got shape \(2, 12, 12\)"):
        network().forward(np.zeros((2, 12, 12)))


def test_impossible_networks_are_refused():
    with pytest.raises(ValueError, match="side must be at least 8, got 4"):
        ConvNet(side=4, units=5, classes=3)
