"""TF2017: each quirk of the released code in what it answers and loses, on an example small enough to work out by hand.

The query is q = (0.6, 0.8) unless said otherwise, so that its cosines with the axes are 0.6 and 0.8.
"""

import math

import numpy as np
import pytest
from support.by_hand import E1, E2, MINUS_E1, ZERO, Q, label
from support.memories import holding

from refmem.memory import TF2017


# --- Reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m, t", [(8, math.log(1.6) / 0.1), (64, math.log(12.8) / 0.1), (5, 1.0), (3, 1.0)])
def test_temperature_follows_from_k_and_alpha(m, t):
    memory = holding(TF2017, [E1, E2] + [ZERO] * (m - 2), [3, 5] + [0] * (m - 2))
    output, _ = memory.forward(Q)
    powers = np.exp(t * np.array([0.8, 0.6] + [0.0] * (m - 3)))  # the last neighbour is dropped
    np.testing.assert_allclose(output.confidence[0], powers / powers.sum(), rtol=1e-10)


def test_temperature_is_that_of_the_k_in_use():
    memory = holding(TF2017, [E1, E2] + [ZERO] * 30, [3, 5] + [0] * 30, k=8, alpha=0.05)
    output, _ = memory.forward(Q)
    assert output.confidence[0, 0] / output.confidence[0, 1] == pytest.approx(math.exp(0.2 * math.log(1.6) / 0.05))


def test_queries_are_projected_then_normalised():
    memory = holding(TF2017, [E1, E2, ZERO], [3, 5, 0])
    memory.params["query_projection"][...] = [[0.0, 2.0], [2.0, 0.0]]
    output, _ = memory.forward(Q)
    np.testing.assert_allclose(output.cosines, [[0.8, 0.6, 0.0]], rtol=1e-14)
    assert output.neighbours.tolist() == [[0, 1, 2]]


def test_without_labels_the_kth_neighbour_is_dropped_from_the_answer():
    output, _ = holding(TF2017, [E1, E2, MINUS_E1], [3, 5, 1], k=2).forward(Q)
    assert output.neighbours.tolist() == [[1, 0]]
    assert output.confidence.tolist() == [[1.0]]


def test_without_the_hint_the_kth_neighbour_is_dropped_but_still_counts_in_the_loss():
    memory = holding(TF2017, [E1, E2, MINUS_E1], [3, 5, 1], k=2, recent_hint=False)
    output, _ = memory.forward(Q, label(3))
    assert output.neighbours.tolist() == [[1, 0]]
    assert output.confidence.tolist() == [[1.0]]
    assert output.loss == pytest.approx(0.8 - 0.6)


def test_the_recent_slot_is_the_last_column_and_no_part_of_the_answer():
    recent = [0] * 10
    recent[1] = 2
    memory = holding(TF2017, [E1, E2, MINUS_E1], [3, 5, 1], k=2, recent=recent)
    output, _ = memory.forward(Q, label(1))
    assert output.neighbours.tolist() == [[1, 0, 2]]
    np.testing.assert_allclose(output.cosines, [[0.8, 0.6, -0.6]], rtol=1e-14)
    np.testing.assert_allclose(output.confidence[0, 0], 1 / (1 + math.exp(-0.2)))
    assert output.confidence.shape == (1, 2)


def test_the_answer_is_the_value_of_the_nearest_empty_slots_included():
    output, _ = holding(TF2017, [MINUS_E1, ZERO, ZERO], [3, 0, 0]).forward(Q)
    assert output.values.tolist() == [0]
    assert output.neighbours.tolist() == [[1, 2, 0]]


def test_equal_cosines_go_by_the_lower_slot():
    output, _ = holding(TF2017, [E1, E2, E1, E2], [1, 2, 3, 4]).forward(np.array([E2, E1, [1.0, 1.0], [0.0, 0.0]]))
    assert output.neighbours.tolist() == [[1, 3, 0, 2], [0, 2, 1, 3], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert output.values.tolist() == [2, 1, 1, 1]


# --- The loss -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("right, loss", [(3, 0.8 - 0.6), (5, -0.1)])
def test_the_margin_loss_less_alpha(right, loss):
    output, _ = holding(TF2017, [E1, E2], [3, 5], recent_hint=False).forward(Q, label(right))
    assert output.loss == pytest.approx(loss)


def test_the_loss_is_the_batch_mean():
    output, _ = holding(TF2017, [E1, E2], [3, 5], recent_hint=False).forward(np.repeat(Q, 2, 0), label(3, 5))
    assert output.loss == pytest.approx((0.2 - 0.1) / 2)


def test_cosines_below_zero_lose_to_the_zeros_of_the_mask():
    output, _ = holding(TF2017, [E1, E2], [3, 5], recent_hint=False).forward(-Q, label(5))
    assert output.loss == pytest.approx(0.0)  # relu(0 - 0 + alpha) - alpha


def test_with_no_positive_in_the_pool_the_best_negative_is_pushed_down():
    output, _ = holding(TF2017, [E1, E2], [3, 5], recent_hint=False).forward(Q, label(7))
    assert output.loss == pytest.approx(0.8)


def test_with_no_negative_in_the_pool_its_cosine_counts_as_zero():
    memory = holding(TF2017, [[0.05, 0.0], ZERO], [3, 3], recent_hint=False)
    output, _ = memory.forward(np.array([E1]), label(3))
    assert output.loss == pytest.approx(0.05 * -1)  # relu(0 - 0.05 + 0.1) - 0.1


def test_the_hint_finds_a_positive_beyond_the_pool():
    recent = [1] * 10
    recent[3] = 0
    output, _ = holding(TF2017, [E1, E2], [3, 5], k=1, recent=recent).forward(Q, label(3))
    assert output.loss == pytest.approx(0.8 - 0.6)


def test_a_stale_hint_is_one_more_negative():
    recent = [0] * 10
    recent[3] = 1  # overwritten by class 5 since
    output, _ = holding(TF2017, [[0.0, 1.05], E2], [3, 5], k=1, recent=recent).forward(Q, label(3))
    assert output.neighbours.tolist() == [[0, 1]]
    assert output.loss == pytest.approx(0.8 - 0.84)
