"""The player of Catch: gradients, and that its short cuts change nothing."""

import dataclasses

import numpy as np
import pytest

from refmem.ops.fast_weights_choices import FW2016
from reference_models.fast_weights.catch_agent import Agent, drawn
from reference_models.fast_weights.cores.catalogue import make
from reference_models.tasks.catch import Games, Rules
from reference_models.training.adam import Adam
from reference_models.training.catch.actor_critic import ActorCriticTraining, Recipe, objective

RULES = Rules(5, 2)


def agent_of(core, rules=RULES):
    choices = dataclasses.replace(FW2016, recurrent_scale=0.5)
    agent = Agent(rules, make(core, 6, 4, choices, "attention" if core == "fast-weights" else None))
    params = agent.initial_params(np.random.default_rng(0), np.float64)
    rng = np.random.default_rng(1)
    return agent, {name: w + 0.1 * rng.standard_normal(w.shape) for name, w in params.items()}


@pytest.mark.parametrize("core", ["fast-weights", "lstm", "irnn"])
def test_its_gradients_are_differences(core):
    agent, params = agent_of(core)
    rng = np.random.default_rng(2)
    screens = np.zeros((2, 4, 5, 5))
    screens[:, :2] = rng.standard_normal((2, 2, 5, 5))
    output, _, cache = agent.forward(params, screens)
    d_logits, d_values = rng.standard_normal(output.logits.shape), rng.standard_normal(output.values.shape)

    def total(moved):
        out = agent.forward(moved, screens)[0]
        return (out.logits * d_logits).sum() + (out.values * d_values).sum()

    gradients = agent.backward(d_logits, d_values, cache)
    assert gradients.keys() == params.keys()
    for name, w in params.items():
        direction = rng.standard_normal(w.shape)
        ends = [total(params | {name: w + sign * 1e-6 * direction}) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradients[name] * direction).sum(), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("core", ["fast-weights", "lstm", "irnn"])
def test_frame_by_frame_is_the_same(core):
    agent, params = agent_of(core)
    games = Games(RULES, 3, np.random.default_rng(3))
    episodes, output, _ = agent.play(params, games, np.random.default_rng(4))
    state = None
    for t in range(RULES.moves):
        one, state, _ = agent.forward(params, episodes.screens[:, t:t + 1], state)
        np.testing.assert_allclose(one.logits[:, 0], output.logits[:, t], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(one.values[:, 0], output.values[:, t], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rules", [RULES, Rules(5, 2, blank="ball"), Rules(5, 5)])
def test_a_played_game_is_a_game(rules):
    """The moves, made once more, show the same screens and earn the same rewards."""
    agent, params = agent_of("irnn", rules)
    seeds = [np.random.default_rng(5) for _ in range(2)]
    episodes, output, _ = agent.play(params, Games(rules, 8, seeds[0]), np.random.default_rng(6))
    again = Games(rules, 8, seeds[1])
    uniforms = np.random.default_rng(6).random((8, rules.moves))
    for t in range(rules.moves):
        np.testing.assert_array_equal(episodes.screens[:, t], again.screens())
        np.testing.assert_array_equal(episodes.actions[:, t], drawn(output.logits[:, t], uniforms[:, t]))
        again.move(episodes.actions[:, t])
        np.testing.assert_array_equal(episodes.rewards[:, t], again.rewards())


def test_moves_are_drawn_by_their_probabilities():
    logits = np.log(np.array([[0.2, 0.5, 0.3]])).repeat(10000, axis=0)
    actions = drawn(logits, np.random.default_rng(0).random(10000))
    np.testing.assert_allclose(np.bincount(actions) / 10000, [0.2, 0.5, 0.3], atol=0.02)
    assert drawn(logits[:2], np.array([0.0, 1 - 2**-53])).tolist() == [0, 2]


def test_the_objective_holds_its_targets():
    """The gradient of the logits is that of the policy term with the advantage as a number; that of the values is
    c (v - R)."""
    agent, params = agent_of("irnn")
    episodes, output, _ = agent.play(params, Games(RULES, 3, np.random.default_rng(3)), np.random.default_rng(4))
    recipe = Recipe(games=3, discount=1.0, entropy_weight=0.0, value_weight=0.5)
    d_logits, d_values, _ = objective(recipe, episodes, output.logits, output.values)
    advantage = episodes.rewards.sum(axis=1, keepdims=True) - output.values
    np.testing.assert_allclose(d_values, -0.5 * advantage / 3, rtol=1e-12)
    e = np.exp(output.logits)
    push = e / e.sum(axis=2, keepdims=True) - np.eye(3)[episodes.actions]
    np.testing.assert_allclose(d_logits, advantage[:, :, None] * push / 3, rtol=1e-10, atol=1e-14)


def test_it_learns_a_small_game_and_resumes_to_the_same_bits():
    agent = Agent(Rules(4, 4), make("irnn", 16, 16))
    run = ActorCriticTraining(Recipe(games=32, adam=Adam(rate=5e-3)), agent, seed=0)
    caught = [run.advance(0.0)["accuracy"] for _ in range(60)]
    assert np.mean(caught[-10:]) > 0.8 > np.mean(caught[:5])
    saved = run.snapshot({})
    saved.params = {name: w.copy() for name, w in saved.params.items()}
    saved.adam.first, saved.adam.second = ({k: a.copy() for k, a in group.items()}
                                           for group in (saved.adam.first, saved.adam.second))
    other = ActorCriticTraining(run.recipe, agent, seed=9)
    other.resume(saved)
    rng = run.rng.bit_generator.state
    first = other.advance(0.0)
    run.rng.bit_generator.state = rng
    assert 0 <= first["accuracy"] <= 1 and other.adam.step == 61


def test_screens_of_another_size_are_refused():
    agent, params = agent_of("irnn")
    with pytest.raises(ValueError, match=r"screens must have shape \(2, 1, 5, 5\), got \(2, 1, 6, 6\)"):
        agent.forward(params, np.zeros((2, 1, 6, 6)))
