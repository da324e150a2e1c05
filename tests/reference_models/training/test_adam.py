"""Adam in both forms: against its equations in loops and floats, and against PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_models.training import adam
from reference_models.training.adam import Adam


def by_the_equations(w, gradients, rate, beta1, beta2, epsilon, form):
    """One weight, plain floats."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        if form == "paper":
            w -= rate * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + epsilon)
        else:
            w -= rate * math.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (math.sqrt(v) + epsilon)
    return w


@given(gradients=st.lists(st.floats(-100, 100), min_size=1, max_size=12), w=st.floats(-3, 3),
       form=st.sampled_from(adam.FORMS), rate=st.sampled_from([1e-4, 1e-2]), epsilon=st.sampled_from([1e-8, 1e-4, 1.0]))
def test_each_weight_moves_as_the_equations_say(gradients, w, form, rate, epsilon):
    params = {"w": np.array([[w, w]])}
    state = adam.start(params)
    for g in gradients:
        adam.update(params, {"w": np.array([[g, 0.0]])}, state, Adam(rate, 0.9, 0.999, epsilon, form))
    expected = by_the_equations(w, gradients, rate, 0.9, 0.999, epsilon, form)
    assert params["w"][0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert params["w"][0, 1] == w  # a weight without gradient stays


@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_the_paper_form_is_that_of_torch(epsilon):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    params = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=5)}
    theirs = {name: torch.tensor(w.copy(), requires_grad=True) for name, w in params.items()}
    optimiser = torch.optim.Adam(theirs.values(), lr=0.01, betas=(0.8, 0.99), eps=epsilon)
    state = adam.start(params)
    for _ in range(7):
        gradients = {name: rng.normal(size=w.shape) for name, w in params.items()}
        adam.update(params, gradients, state, Adam(0.01, 0.8, 0.99, epsilon))
        for name, w in theirs.items():
            w.grad = torch.tensor(gradients[name])
        optimiser.step()
    for name, w in params.items():
        np.testing.assert_allclose(w, theirs[name].detach().numpy(), rtol=1e-12)


def test_the_two_forms_differ_by_what_epsilon_is_divided_by():
    """epsilon_hat with eps is the paper's form with eps / sqrt(1 - beta2^t), at the first step."""
    params, again = {"w": np.ones(1)}, {"w": np.ones(1)}
    gradient = {"w": np.full(1, 1e-3)}
    adam.update(params, gradient, adam.start(params), Adam(epsilon=1e-4, form="epsilon_hat"))
    adam.update(again, gradient, adam.start(again), Adam(epsilon=1e-4 / math.sqrt(1e-3)))
    np.testing.assert_allclose(params["w"], again["w"], rtol=1e-13)


def test_a_factor_scales_the_step_and_nothing_else():
    whole, half = {"w": np.zeros(2)}, {"w": np.zeros(2)}
    states = adam.start(whole), adam.start(half)
    gradient = {"w": np.array([1.0, -2.0])}
    adam.update(whole, gradient, states[0], Adam())
    adam.update(half, gradient, states[1], Adam(), factor=0.5)
    np.testing.assert_allclose(half["w"], whole["w"] / 2)
    np.testing.assert_array_equal(states[0].second["w"], states[1].second["w"])


def test_it_works_in_place_keeps_the_dtype_and_leaves_the_gradient():
    w, g = np.ones(3, np.float32), np.ones(3, np.float32)
    params = {"w": w}
    state = adam.start(params)
    adam.update(params, {"w": g}, state, Adam())
    assert params["w"] is w and w.dtype == np.float32 and state.first["w"].dtype == np.float32
    np.testing.assert_array_equal(g, np.ones(3, np.float32))
    assert (w < 1).all()


@pytest.mark.parametrize("gradients, complaint", [
    ({"v": np.ones(2)}, "same names"),
    ({"w": np.ones(3)}, "shape"),
    ({"w": np.ones(2, np.float32)}, "float64"),
])
def test_gradients_of_other_weights_are_refused_and_nothing_moves(gradients, complaint):
    params = {"w": np.ones(2)}
    state = adam.start(params)
    with pytest.raises(ValueError, match=complaint):
        adam.update(params, gradients, state, Adam())
    assert state.step == 0 and (params["w"] == 1).all()


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"epsilon": -1.0}, {"beta1": 1.0}, {"form": "other"}])
def test_impossible_constants_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Adam(**wrong)
