"""The actor-critic loss, against loops and PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ops as oracle
from refmem.ops import actor_critic


def drawn(rng, batch, actions):
    """logits, values, advantages, returns, actions."""
    return [rng.standard_normal(shape) for shape in ((batch, actions), (batch,), (batch,), (batch,))] + [
        rng.integers(0, actions, batch)]


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.floats(0, 2), st.floats(0, 2), st.integers(0, 99))
def test_it_is_the_loop(batch, count, beta, c, seed):
    logits, values, advantages, returns, actions = drawn(np.random.default_rng(seed), batch, count)
    loss, _ = actor_critic.forward(logits, values, advantages, returns, actions, entropy_weight=beta, value_weight=c)
    for b in range(batch):
        pi = oracle.softmax(logits[b].tolist())
        entropy = -sum(p * math.log(p) for p in pi)
        expected = -advantages[b] * math.log(pi[actions[b]]) - beta * entropy + c * (returns[b] - values[b]) ** 2 / 2
        assert loss[b] == pytest.approx(expected, rel=1e-9, abs=1e-11)


def test_it_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    *arrays, actions = drawn(rng, 6, 3)
    weights = rng.standard_normal(6)
    logits, values, advantages, returns = (torch.tensor(a, requires_grad=True) for a in arrays)
    policy = torch.distributions.Categorical(logits=logits)
    expected = (-advantages * policy.log_prob(torch.tensor(actions)) - 0.3 * policy.entropy()
                + 0.25 * (returns - values) ** 2)
    expected.backward(torch.tensor(weights))
    loss, cache = actor_critic.forward(*arrays, actions, entropy_weight=0.3, value_weight=0.5)
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-12)
    for got, want in zip(actor_critic.backward(weights, cache), (logits, values, advantages, returns), strict=True):
        np.testing.assert_allclose(got, want.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_a_hopeless_action_is_finite():
    loss, cache = actor_critic.forward(np.array([[1000.0, 0.0]]), np.zeros(1), np.ones(1), np.zeros(1), np.array([1]))
    assert loss.tolist() == [1000]
    assert all(np.isfinite(gradient).all() for gradient in actor_critic.backward(np.ones(1), cache))


def test_at_the_most_curious_policy_entropy_has_no_slope():
    _, cache = actor_critic.forward(np.zeros((2, 3)), *np.zeros((3, 2)), np.array([0, 2]), entropy_weight=1.0)
    np.testing.assert_allclose(actor_critic.backward(np.ones(2), cache)[0], 0, atol=1e-15)


@pytest.mark.parametrize(("named", "error", "message"), [
    ({"actions": np.array([0, 3])}, ValueError, r"actions must be in 0\.\.2, got 3"),
    ({"actions": np.array([0.0, 1.0])}, TypeError, "actions must be integers"),
    ({"values": np.zeros(3)}, ValueError, r"values must have shape \(2,\)"),
    ({"returns": np.zeros(2, np.float32)}, TypeError, "returns must be float64, got float32"),
    ({"logits": np.zeros((2, 0))}, ValueError, "logits must have at least one column"),
    ({"entropy_weight": -0.1}, ValueError, "entropy_weight must be a number of at least 0, got -0.1"),
    ({"value_weight": math.nan}, ValueError, "value_weight must be a number of at least 0, got nan"),
])
def test_wrong_arguments_are_refused(named, error, message):
    good = {"logits": np.zeros((2, 3)), "values": np.zeros(2), "advantages": np.zeros(2), "returns": np.zeros(2),
            "actions": np.array([0, 1])}
    with pytest.raises(error, match=message):
        actor_critic.forward(**{**good, **named})
