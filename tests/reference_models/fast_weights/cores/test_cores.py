"""The recurrent cores: one interface, exact gradients, and a walk that can be taken in parts."""

import numpy as np
import pytest
from support.standin import standin

from refmem.ops.fast_weights_choices import FW2016, VICTORWZ

from reference_models.fast_weights import FastWeights, fastest_form
from reference_models.fast_weights.cores import catalogue

NAMES = sorted(catalogue.CORES)


def drawn(core, seed=0):
    rng = np.random.default_rng(seed)
    params = core.initial_params(rng, np.float64)
    return {name: w + 0.1 * rng.standard_normal(w.shape) for name, w in params.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_shapes_and_dtypes_are_those_of_the_interface(name):
    core = catalogue.make(name, 3, 4)
    params = core.initial_params(np.random.default_rng(0))
    hidden, state, cache = core.forward(params, np.ones((2, 5, 3), np.float32))
    assert hidden.shape == (2, 5, core.units) and hidden.dtype == np.float32
    dx, d_params = core.backward(np.ones_like(hidden), cache)
    assert dx.shape == (2, 5, 3)
    assert {key: (d.shape, d.dtype) for key, d in d_params.items()} == {
        key: (w.shape, w.dtype) for key, w in params.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_walk_in_parts_is_the_walk(name):
    core = catalogue.make(name, 3, 4)
    params, x = drawn(core), np.random.default_rng(1).standard_normal((2, 6, 3))
    whole, _, _ = core.forward(params, x)
    state, parts = None, []
    for t in range(6):
        hidden, state, _ = core.forward(params, x[:, t:t + 1], state)
        parts.append(hidden)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_slopes(name):
    core = catalogue.make(name, 3, 4)
    params, rng = drawn(core), np.random.default_rng(2)
    x, weights = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, core.units))
    _, _, cache = core.forward(params, x)
    dx, d_params = core.backward(weights, cache)
    given = params | {"x": x}
    for key, gradient in (d_params | {"x": dx}).items():
        direction, step = rng.standard_normal(gradient.shape), 1e-6
        ends = []
        for sign in (1, -1):
            moved = given | {key: given[key] + sign * step * direction}
            ends.append((core.forward({k: w for k, w in moved.items() if k != "x"}, moved["x"])[0] * weights).sum())
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-6), key


def test_lambda_and_eta_are_parameters_where_they_are_learned():
    core = FastWeights(3, 4, choices=VICTORWZ)
    params = core.initial_params(np.random.default_rng(0), np.float64)
    assert (float(params["decay"]), float(params["rate"])) == (VICTORWZ.decay, VICTORWZ.rate)
    assert "decay" not in FastWeights(3, 4).initial_params(np.random.default_rng(0))
    assert (fastest_form(VICTORWZ), fastest_form(FW2016)) == ("attention", "compiled")


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="the core must be one of .*, got 'gru'"):
        catalogue.make("gru", 3, 4)
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        catalogue.make("irnn", 3, 0)
    with pytest.raises(ValueError, match="form must be one of attention, matrix, compiled, got 'sparse'"):
        FastWeights(3, 4, form="sparse")


@pytest.mark.parametrize("name", ["fast-weights", "irnn", "lstm"])
def test_the_same_on_another_device(name):
    core = catalogue.make(name, 3, 4, form="attention")
    params, rng = drawn(core), np.random.default_rng(2)
    x, weights = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 4))
    hidden, _, cache = core.forward(params, x)
    dx, d_params = core.backward(weights, cache)
    there = {key: standin.asarray(w) for key, w in params.items()}
    hidden_there, _, cache = core.forward(there, standin.asarray(x))
    dx_there, d_there = core.backward(standin.asarray(weights), cache)
    np.testing.assert_allclose(hidden_there.get(), hidden, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dx_there.get(), dx, rtol=1e-10, atol=1e-13)
    for key, gradient in d_params.items():
        np.testing.assert_allclose(d_there[key].get(), gradient, rtol=1e-10, atol=1e-13)
