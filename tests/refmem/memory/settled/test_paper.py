"""PAPER: each choice that the paper leaves open, on an example small enough to work out by hand.

The query is q = (0.6, 0.8) unless said otherwise, so that its cosines with the axes are 0.6 and 0.8.
"""

import math

import numpy as np
import pytest
from support.by_hand import E1, E2, MINUS_E1, ZERO, Q, label
from support.memories import assert_unchanged, everything_in, holding

from refmem.memory import PAPER, Memory


# --- Reading ------------------------------------------------------------------------------------------------


def test_confidence_is_softmax_of_forty_cosines():
    output, _ = holding(PAPER, [E1, E2], [3, 5]).forward(Q)
    assert output.values.tolist() == [5]
    assert output.neighbours.tolist() == [[1, 0]]
    np.testing.assert_allclose(output.cosines, [[0.8, 0.6]], rtol=1e-14)
    first = 1 / (1 + math.exp(-40 * 0.2))
    np.testing.assert_allclose(output.confidence, [[first, 1 - first]], rtol=1e-12)
    assert output.loss is None


def test_queries_are_normalised():
    output, _ = holding(PAPER, [E1, E2], [3, 5]).forward(10 * Q)
    np.testing.assert_allclose(output.cosines, [[0.8, 0.6]], rtol=1e-14)


def test_an_empty_memory_answers_nothing():
    output, _ = Memory(2, 3).forward(Q, label(0), update=False)
    assert output.values.tolist() == [-1]
    assert output.neighbours.tolist() == [[-1, -1, -1]]
    assert output.cosines.tolist() == [[-1.0, -1.0, -1.0]]
    assert output.confidence.tolist() == [[0.0, 0.0, 0.0]]
    assert output.loss == 0.0


def test_empty_slots_are_no_neighbours_even_where_they_would_be_nearer():
    memory = holding(PAPER, [ZERO, MINUS_E1, ZERO], [-1, 0, -1])
    output, _ = memory.forward(Q)
    assert output.values.tolist() == [0]
    assert output.neighbours.tolist() == [[1, -1, -1]]
    np.testing.assert_allclose(output.cosines, [[-0.6, -1.0, -1.0]], rtol=1e-14)
    assert output.confidence.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("k, width", [(1, 1), (2, 2), (256, 3)])
def test_as_many_neighbours_as_k_and_as_slots_allow(k, width):
    output, _ = holding(PAPER, [E1, E2, MINUS_E1], [3, 5, 3], k=k).forward(Q)
    assert output.neighbours.tolist() == [[1, 0, 2][:width]]
    assert output.cosines.shape == output.confidence.shape == (1, width)
    np.testing.assert_allclose(output.confidence.sum(), 1.0, rtol=1e-14)


def test_equal_cosines_go_by_the_lower_slot():
    memory = holding(PAPER, [E1, E2, E1, E2], [1, 2, 3, 4], k=3)
    output, _ = memory.forward(np.array([E2, E1, [1.0, 1.0]]))
    assert output.neighbours.tolist() == [[1, 3, 0], [0, 2, 1], [0, 1, 2]]
    assert output.values.tolist() == [2, 1, 1]


def test_a_zero_query_stays_zero():
    memory = holding(PAPER, [E1, E2, ZERO], [3, 5, -1], [9, 0, 0])
    output, _ = memory.forward(np.zeros((1, 2)), label(7))
    assert output.cosines.tolist() == [[0.0, 0.0, -1.0]]
    assert output.confidence.tolist() == [[0.5, 0.5, 0.0]]
    assert memory.state.keys.tolist() == [ZERO, E2, ZERO]  # it is written as it is, into the oldest slot
    assert memory.state.values.tolist() == [7, 5, -1]


def test_a_query_shorter_than_epsilon_is_divided_by_epsilon():
    output, _ = holding(PAPER, [E1], [3]).forward(np.array([[0.25e-6, 0.0]]))
    np.testing.assert_allclose(output.cosines, [[0.25]], rtol=1e-12)


# --- The loss -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("right, loss", [(3, 0.8 - 0.6 + 0.1), (5, 0.0)])
def test_margin_between_the_nearest_wrong_and_the_nearest_right(right, loss):
    output, _ = holding(PAPER, [E1, E2], [3, 5]).forward(Q, label(right))
    assert output.loss == pytest.approx(loss, abs=1e-15)


def test_alpha_is_the_margin():
    output, _ = holding(PAPER, [E1, E2], [3, 5], alpha=0.5).forward(Q, label(5))
    assert output.loss == pytest.approx(0.6 - 0.8 + 0.5)


def test_negative_cosines_count_as_they_are():
    output, _ = holding(PAPER, [E1, E2], [3, 5]).forward(-Q, label(5))
    assert output.loss == pytest.approx(-0.6 + 0.8 + 0.1)


def test_a_positive_beyond_the_k_is_looked_for_in_the_whole_memory():
    memory = holding(PAPER, [MINUS_E1, E1, E2], [3, 3, 5], k=1)
    output, _ = memory.forward(Q, label(3))
    assert output.loss == pytest.approx(0.8 - 0.6 + 0.1)  # the nearest of the two, not the first


def test_a_value_that_is_nowhere_costs_nothing():
    output, cache = holding(PAPER, [E1, E2], [3, 5]).forward(Q, label(7))
    assert output.loss == 0.0


def test_a_negative_beyond_the_k_does_not_count():
    output, _ = holding(PAPER, [E1, E2], [3, 5], k=1, alpha=1.0).forward(Q, label(5))
    assert output.loss == 0.0


def test_the_loss_is_the_mean_over_all_rows():
    output, _ = holding(PAPER, [E1, E2], [3, 5]).forward(np.repeat(Q, 3, 0), label(3, 5, 7))
    assert output.loss == pytest.approx((0.3 + 0.0 + 0.0) / 3)


def test_at_the_corner_of_the_hinge_the_gradient_is_zero():
    memory = holding(PAPER, [[0.5, 0.0], E2], [3, 5], alpha=0.5)
    output, cache = memory.forward(np.array([E1]), label(3))
    assert output.loss == 0.0
    d_queries, _ = memory.backward(cache)
    assert d_queries.tolist() == [[0.0, 0.0]]


# --- Writing ------------------------------------------------------------------------------------------------


def test_a_right_row_averages_its_nearest_key():
    memory = holding(PAPER, [E1, E2], [3, 5], [4, 9])
    memory.forward(Q, label(5), sources=np.array([77]))
    np.testing.assert_allclose(memory.state.keys, [E1, [0.6 / math.sqrt(3.6), 1.8 / math.sqrt(3.6)]])
    assert memory.state.values.tolist() == [3, 5]
    assert memory.state.ages.tolist() == [5, 0]
    assert memory.state.sources.tolist() == [-1, 77]


def test_a_wrong_row_takes_the_oldest_slot():
    memory = holding(PAPER, [E1, E2, E2], [3, 5, 5], [4, 2, 9])
    memory.forward(2 * Q, label(3), sources=np.array([77]))
    np.testing.assert_allclose(memory.state.keys, [E1, E2, Q[0]])
    assert memory.state.values.tolist() == [3, 5, 3]
    assert memory.state.ages.tolist() == [5, 3, 0]
    assert memory.state.sources.tolist() == [-1, -1, 77]


def test_equal_ages_go_by_the_lower_slot():
    memory = holding(PAPER, [E1, E2, E1], [1, 1, 1], [4, 9, 9])
    memory.forward(np.repeat(Q, 2, 0), label(7, 8))
    assert memory.state.values.tolist() == [1, 7, 8]


def test_without_sources_a_written_slot_has_none():
    memory = holding(PAPER, [E1, E2], [3, 5], [4, 9])
    memory.state.sources[...] = [11, 12]
    memory.forward(Q, label(5))
    assert memory.state.sources.tolist() == [11, -1]


def test_correct_in_top_averages_the_first_neighbour_with_the_label():
    memory = holding(PAPER, [E1, E2, [0.0, 0.5]], [3, 5, 3], [4, 2, 9], correct_in_top=2)
    memory.forward(Q, label(3))  # neighbours 1, 0, 2: slot 0 is within the first two
    np.testing.assert_allclose(memory.state.keys[0], [1.6 / math.sqrt(3.2), 0.8 / math.sqrt(3.2)])
    assert memory.state.ages.tolist() == [0, 3, 10]

    memory = holding(PAPER, [E1, E2, [0.0, 0.5]], [3, 5, 9], [4, 2, 9], correct_in_top=2)
    memory.forward(Q, label(9))  # slot 2 is third: too late
    assert memory.state.values.tolist() == [3, 5, 9]
    np.testing.assert_allclose(memory.state.keys[2], Q[0])


def test_padding_is_never_right():
    memory = holding(PAPER, [E1, ZERO], [3, -1], [0, 5], correct_in_top=2)
    memory.forward(Q, label(4))
    assert memory.state.values.tolist() == [3, 4]


def test_wrong_rows_of_a_batch_take_different_slots_and_each_row_is_one_update():
    memory = holding(PAPER, [E1] * 4, [1, 1, 1, 1], [9, 5, 7, 0])
    memory.forward(np.repeat(Q, 3, 0), label(2, 3, 4), sources=np.array([70, 71, 72]))
    assert memory.state.values.tolist() == [2, 4, 3, 1]
    assert memory.state.sources.tolist() == [70, 72, 71, -1]
    assert memory.state.ages.tolist() == [2, 0, 1, 3]


def test_every_row_reads_the_memory_of_before_the_batch():
    memory = Memory(2, 3)
    output, _ = memory.forward(np.repeat(Q, 2, 0), label(7, 7))
    assert output.values.tolist() == [-1, -1]
    assert memory.state.values.tolist() == [7, 7, -1]


def test_a_slot_averaged_by_an_earlier_row_is_not_evicted_by_a_later_one():
    memory = holding(PAPER, [E2, E1], [5, 3], [9, 0])
    memory.forward(np.repeat(Q, 2, 0), label(5, 7))
    assert memory.state.values.tolist() == [5, 7]
    assert memory.state.ages.tolist() == [1, 0]


def test_a_slot_evicted_by_an_earlier_row_and_averaged_by_a_later_one_is_the_laters():
    memory = holding(PAPER, [E2, E1], [5, 3], [9, 0])
    memory.forward(np.array([E1, Q[0]]), label(7, 5), sources=np.array([70, 71]))
    np.testing.assert_allclose(memory.state.keys, [[0.6 / math.sqrt(3.6), 1.8 / math.sqrt(3.6)], E1])
    assert memory.state.values.tolist() == [5, 3]
    assert memory.state.ages.tolist() == [0, 2]
    assert memory.state.sources.tolist() == [71, -1]


def test_two_rows_that_average_one_slot_both_start_from_the_key_of_before():
    memory = holding(PAPER, [E2, MINUS_E1], [5, 3], [9, 0])
    memory.forward(np.array([[-0.6, 0.8], Q[0]]), label(5, 5), sources=np.array([70, 71]))
    np.testing.assert_allclose(memory.state.keys, [[0.6 / math.sqrt(3.6), 1.8 / math.sqrt(3.6)], MINUS_E1])
    assert memory.state.ages.tolist() == [0, 2]
    assert memory.state.sources.tolist() == [71, -1]


def test_when_every_slot_is_claimed_the_claims_are_forgotten():
    memory = holding(PAPER, [E1, E1], [1, 1], [0, 5])
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9))  # slots 1, 0, then 1 again
    assert memory.state.values.tolist() == [8, 9]
    assert memory.state.ages.tolist() == [1, 0]


def test_oldest_takes_the_place_of_the_choice():
    memory = holding(PAPER, [E1, E2, E1], [1, 5, 1], [9, 0, 9])
    memory.forward(np.repeat(Q, 3, 0), label(7, 5, 8), oldest=np.array([1, 0, 2]))
    assert memory.state.values.tolist() == [1, 5, 8]  # row 1 was right, and wrote slot 1 over row 0
    assert memory.state.ages.tolist() == [12, 1, 0]


def test_noise_is_added_to_the_ages_of_a_batch_once():
    ages = np.array([3, 5, 4, 5])
    memory = holding(PAPER, [E1] * 4, [1] * 4, ages, age_noise=4.0)
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9), rng=np.random.default_rng(3))
    order = np.argsort(-(ages + np.random.default_rng(3).uniform(-4.0, 4.0, size=4)))
    assert order[:3].tolist() != [1, 3, 2]  # the noise mattered
    assert memory.state.values[order].tolist() == [7, 8, 9, 1]


def test_without_a_generator_there_is_no_noise():
    memory = holding(PAPER, [E1] * 4, [1] * 4, [3, 5, 4, 5], age_noise=4.0)
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9))
    assert memory.state.values.tolist() == [1, 7, 9, 8]


def test_without_noise_the_generator_is_left_alone():
    rng = np.random.default_rng(3)
    holding(PAPER, [E1] * 4, [1] * 4).forward(Q, label(7), rng=rng)
    assert rng.random() == np.random.default_rng(3).random()
    assert PAPER.age_noise == 0.0


@pytest.mark.parametrize("labels, update", [(None, True), (label(5), False), (None, False)])
def test_nothing_is_written_and_nothing_ages_unless_asked(labels, update):
    memory = holding(PAPER, [E1, E2], [3, 5], [4, 9])
    before = everything_in(memory)
    memory.forward(Q, labels, update=update)
    assert_unchanged(memory, before)


def test_there_is_no_projection():
    assert Memory(2, 3).params == {}


def test_clear_empties_every_slot():
    memory = holding(PAPER, [E1, E2], [3, 5], [4, 9])
    memory.forward(Q, label(5), sources=np.array([7]))
    memory.clear()
    assert_unchanged(memory, everything_in(Memory(2, 2)))
    assert memory.state.values.tolist() == memory.state.sources.tolist() == [-1, -1]
    assert memory.state.ages.tolist() == [0, 0] and memory.state.keys.tolist() == [ZERO, ZERO]


def test_when_the_claims_are_forgotten_the_oldest_of_that_moment_goes():
    memory = holding(PAPER, [E1, E2], [1, 5], [5, 0])
    memory.forward(np.repeat(Q, 3, 0), label(5, 7, 8))  # averages slot 1, takes slot 0, then slot 1: it is older now
    assert memory.state.values.tolist() == [7, 8]
    assert memory.state.ages.tolist() == [1, 0]
