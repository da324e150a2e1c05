"""Which length comes next: the shares of the two rules, and when a length is mastered."""

from collections import Counter

import numpy as np
import pytest

from reference_models.training.algorithms.curriculum import Curriculum


def shares(curriculum, draws=20_000):
    rng = np.random.default_rng(0)
    counts = Counter(curriculum.draw(rng) for _ in range(draws))
    return {length: counts[length] / draws for length in curriculum.lengths if counts[length]}


def test_the_recipe_prefers_what_was_opened_last():
    curriculum = Curriculum([3, 5, 7, 9], reached=2)
    larger = {3: 1 / 9, 5: 3 / 9, 7: 5 / 9}  # of two uniform draws
    assert shares(curriculum) == pytest.approx(
        {n: 0.6 * larger[n] + 0.3 * (n == 7) + 0.1 / 3 for n in larger}, abs=0.015)


def test_the_papers_rule_looks_ahead():
    curriculum = Curriculum([1, 2, 3, 4], rule="paper", reached=1)
    assert shares(curriculum) == pytest.approx({1: 0.05, 2: 0.85, 3: 0.05, 4: 0.05}, abs=0.015)


@pytest.mark.parametrize(("rule", "batches"), [("recipe", 9), ("paper", 11)])
def test_right_batches_open_the_next_length_and_the_last_stays(rule, batches):
    curriculum = Curriculum([1, 2], rule=rule)
    opened = [curriculum.record(1, 0.0) for _ in range(batches)]
    assert opened == [False] * (batches - 1) + [True]
    assert (curriculum.present, curriculum.error, curriculum.complete) == (2, 1.0, True)
    assert not any(curriculum.record(2, 0.0) for _ in range(50))
    assert curriculum.error < 1e-4


def test_only_batches_of_the_present_length_count():
    curriculum = Curriculum([1, 2, 3], reached=1)
    assert not any(curriculum.record(length, 0.0) for length in (1, 3) for _ in range(50))
    assert curriculum.error == 1.0
    for _ in range(100):
        curriculum.record(2, 0.3)
    assert curriculum.present == 2 and curriculum.error == pytest.approx(0.3)


def test_it_goes_on_where_it_was_saved():
    one, other = Curriculum([1, 2, 3]), Curriculum([1, 2, 3])
    for _ in range(12):
        one.record(one.present, 0.05)
    other.restore(one.state())
    assert other == one and other.reached == 1

    longer = Curriculum([1, 2, 3, 4, 5])
    longer.restore(one.state())
    assert longer.present == one.present and not longer.complete


@pytest.mark.parametrize(("arguments", "message"), [
    (([1, 2], "fast"), "rule must be one of recipe, paper, got 'fast'"), (([],), "lengths must ascend"),
    (([2, 1],), "lengths must ascend"), (([1, 1],), "lengths must ascend")])
def test_what_is_no_curriculum_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Curriculum(*arguments)
