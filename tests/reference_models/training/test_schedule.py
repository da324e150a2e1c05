"""Budgets and the decay of the rate."""

import pytest

from reference_models.training.schedule import Budget, Counters, linear_decay


def test_a_budget_is_spent_by_episodes_or_by_seconds():
    assert Budget(episodes=4).spent(Counters(episodes=1, seconds=1e9)) == 0.25
    assert Budget(seconds=8.0).spent(Counters(episodes=10**6, seconds=2.0)) == 0.25
    assert Budget(episodes=4).spent(Counters(episodes=9)) == 1


@pytest.mark.parametrize("wrong", [{}, {"episodes": 1, "seconds": 1.0}, {"episodes": 0}, {"seconds": 0.0},
                                   {"seconds": float("nan")}])
def test_a_budget_is_one_positive_number(wrong):
    with pytest.raises(ValueError, match="budget"):
        Budget(**wrong)


def test_the_rate_falls_in_a_straight_line_to_its_last_part():
    assert [linear_decay(spent, 0.02) for spent in (0, 0.5, 1)] == pytest.approx([1, 0.51, 0.02])
    with pytest.raises(ValueError, match="spent"):
        linear_decay(1.5, 0.02)
