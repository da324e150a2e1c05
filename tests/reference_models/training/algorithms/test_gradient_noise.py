"""Noise on the gradients: how much, by which rule, and none where it is off."""

import numpy as np
import pytest

from reference_models.training.algorithms import gradient_noise


def test_it_fades_with_the_steps_and_with_the_errors():
    assert gradient_noise.deviation(2.0, 16, 0.5) == pytest.approx(2 * 0.5 / 2)
    assert gradient_noise.deviation(2.0, 15, 0.25, "released") == pytest.approx(2 * (16 ** -0.55 * 0.25) ** 0.5)
    assert gradient_noise.deviation(2.0, 16, 0.0) == gradient_noise.deviation(0.0, 16, 1.0) == 0.0


@pytest.mark.parametrize(("rule", "spread", "farthest"), [("paper", 1.0, 10.0), ("released", 0.8796, 2.0)])
def test_it_has_its_deviation_and_leaves_the_gradients_alone(rule, spread, farthest):
    gradients = {"a": np.ones((400, 100), np.float32), "b": np.zeros(3, np.float32)}
    noisy = gradient_noise.add(gradients, 0.5, np.random.default_rng(0), rule)
    apart = noisy["a"] - 1
    assert apart.std() == pytest.approx(0.5 * spread, rel=0.02) and abs(apart.mean()) < 0.01
    assert np.abs(apart).max() <= 0.5 * farthest + 1e-6
    assert noisy["a"].dtype == np.float32 and (gradients["a"] == 1).all() and noisy["b"].any()


def test_without_a_deviation_nothing_is_drawn():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    gradients = {"a": np.ones(3)}
    assert gradient_noise.add(gradients, 0.0, rng)["a"] is gradients["a"]
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(("arguments", "message"), [
    ((1.0, 1, 0.5, "white"), "rule must be one of paper, released"), ((-1.0, 1, 0.5), "scale must be at least 0"),
    ((1.0, 0, 0.5), "step at least 1"), ((1.0, 1, 1.5), r"error in \[0, 1\]")])
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gradient_noise.deviation(*arguments)
