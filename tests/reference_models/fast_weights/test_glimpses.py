"""The network of glimpses, and the core that stores and wipes: exact, and forgetful between stretches."""

import numpy as np
import pytest

from reference_models.fast_weights.cores.stretches import StretchedFastWeights
from reference_models.fast_weights.glimpses import GlimpseNetwork
from reference_models.tasks.glimpses import digits


def network(form="attention"):
    core = StretchedFastWeights(3, 4, stretches=(3, 2, 1), form=form)
    model = GlimpseNetwork(core, classes=3, seed=1, dtype=np.float64)
    rng = np.random.default_rng(0)
    model.params = {name: w + 0.2 * rng.standard_normal(w.shape) for name, w in model.params.items()}
    return model


X = np.random.default_rng(5).standard_normal((2, 6, 3))


@pytest.mark.parametrize("form", ["attention", "matrix", "compiled"])
def test_gradients_are_the_slopes(form):
    model, rng = network(form), np.random.default_rng(2)
    weights = rng.standard_normal((2, 3))
    _, cache = model.forward(X)
    gradients = model.backward(weights, cache)
    assert gradients.keys() == model.params.keys()
    for name, w in model.params.items():
        direction, step = rng.standard_normal(w.shape), 1e-6
        ends = []
        for sign in (1, -1):
            model.params[name] = w + sign * step * direction
            ends.append(float((model.forward(X)[0] * weights).sum()))
        model.params[name] = w
        assert float((gradients[name] * direction).sum()) == pytest.approx(
            (ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-7), name


def test_a_stretch_knows_of_the_others_only_through_the_fast_weights():
    model = network()
    core = {name.removeprefix("core."): w for name, w in model.params.items() if name.startswith("core.")}
    other = X.copy()
    other[:, 1] += 1
    hidden, state, _ = model.core.forward(core, X)
    changed, _, _ = model.core.forward(core, other)
    assert state.past.shape == (2, 3, 4) and not state.h.any()
    np.testing.assert_array_equal(state.past, hidden[:, [2, 4, 5]])
    assert not np.allclose(hidden[:, 3:], changed[:, 3:])  # through A
    core["gain"] = core["gain"] * 0  # nothing of any read is left
    hidden, _, _ = model.core.forward(core, X)
    changed, _, _ = model.core.forward(core, other)
    np.testing.assert_array_equal(hidden[:, 3:], changed[:, 3:])


def test_the_last_step_of_a_stretch_has_weights_of_its_own():
    model = network()
    core = {name.removeprefix("core."): w for name, w in model.params.items() if name.startswith("core.")}
    before, _, _ = model.core.forward(core, X)
    core["integration"] = core["integration"] + np.eye(4)
    after, _, _ = model.core.forward(core, X)
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert not np.allclose(before[:, 2], after[:, 2])


def test_what_does_not_fit_is_refused():
    model = network()
    with pytest.raises(ValueError, match="a sequence must have 6 steps, got 5"):
        model.forward(X[:, :5])
    with pytest.raises(ValueError, match="stretches must be whole numbers of at least 1"):
        StretchedFastWeights(3, 4, stretches=(3, 0))


def test_made_up_digits_are_ten_figures_and_the_same_for_one_seed():
    images, labels = digits.drawn(90, np.random.default_rng(0))
    again, _ = digits.drawn(90, np.random.default_rng(0))
    np.testing.assert_array_equal(images, again)
    assert images.shape == (90, 28, 28) and images.dtype == np.uint8 and set(labels) <= set(range(10))
    assert (images.reshape(90, -1).max(axis=1) > 100).all()
    assert digits.SHAPES.keys() == set(range(10))
