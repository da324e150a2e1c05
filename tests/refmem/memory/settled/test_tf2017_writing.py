"""TF2017: each quirk of the released code in how it writes, on an example small enough to work out by hand.

The query is q = (0.6, 0.8) unless said otherwise, so that its cosines with the axes are 0.6 and 0.8.
"""

import numpy as np
import pytest
from support.by_hand import E1, E2, MINUS_E1, MINUS_E2, ZERO, Q, averaged, label
from support.memories import assert_unchanged, everything_in, holding

from refmem.memory import TF2017, Memory


def test_label_zero_is_right_on_an_empty_memory():
    memory = holding(TF2017, [ZERO] * 3, [0] * 3, [4, 4, 4])
    memory.forward(Q, label(0))
    np.testing.assert_allclose(memory.state.keys, [Q[0], ZERO, ZERO])
    assert memory.state.ages.tolist() == [0, 5, 5]

    memory = holding(TF2017, [ZERO] * 3, [0] * 3, [4, 9, 4])
    memory.forward(np.repeat(Q, 2, 0), label(0, 0))  # both average slot 0; the oldest one is left alone
    assert memory.state.ages.tolist() == [0, 10, 5]


def test_other_labels_take_the_oldest_slot_of_an_empty_memory():
    memory = holding(TF2017, [ZERO] * 3, [0] * 3, [4, 9, 4])
    memory.forward(Q, label(2), sources=np.array([70]))
    assert memory.state.values.tolist() == [0, 2, 0]
    assert memory.state.sources.tolist() == [-1, 70, -1]
    assert memory.state.recent.tolist() == [0, 0, 1] + [0] * 7


def test_a_right_row_averages_the_best_matching_key():
    memory = holding(TF2017, [E1, E2, [0.3, 0.4]], [3, 5, 3], [4, 9, 2], correct_in_top=2)
    memory.forward(Q, label(3))  # columns: slot 1 (0.8), slot 0 (0.6), slot 2 (0.5)
    np.testing.assert_allclose(memory.state.keys, [averaged(Q[0], E1), E2, [0.3, 0.4]])
    assert memory.state.ages.tolist() == [0, 10, 3]


def test_correct_in_top_bounds_the_columns_that_make_a_row_right():
    memory = holding(TF2017, [E1, E2, [0.3, 0.4]], [3, 5, 7], [4, 2, 9], correct_in_top=2, recent_hint=False)
    memory.forward(Q, label(7))
    np.testing.assert_allclose(memory.state.keys[2], Q[0])  # written, not averaged
    assert memory.state.ages.tolist() == [5, 3, 0]


def test_a_match_below_zero_teaches_the_first_other_column():
    """The zero of a wrong class beats the negative cosine of the right one; that class keeps its value."""
    memory = holding(TF2017, [MINUS_E1, MINUS_E2, MINUS_E2], [3, 5, 6], [4, 9, 2], recent_hint=False)
    memory.forward(Q, label(3))  # columns: slot 0 (-0.6, right), slots 1 and 2 (-0.8)
    np.testing.assert_allclose(memory.state.keys, [MINUS_E1, averaged(Q[0], MINUS_E2), MINUS_E2])
    assert memory.state.values.tolist() == [3, 5, 6]
    assert memory.state.ages.tolist() == [5, 0, 3]
    assert memory.state.recent.tolist() == [0] * 10


def test_recent_is_the_slot_last_written_for_a_label():
    memory = holding(TF2017, [E1, E2, ZERO, ZERO], [3, 5, 0, 0], [0, 0, 8, 9])
    memory.forward(np.array([Q[0], [0.8, 0.6], E1]), label(7, 7, 3))
    assert memory.state.recent.tolist() == [0, 0, 0, 0, 0, 0, 0, 2, 0, 0]  # both 7s were wrong: slots 3, then 2
    assert memory.state.values.tolist() == [3, 5, 7, 7]


def test_ages_grow_once_a_batch():
    memory = holding(TF2017, [E1, E2, ZERO, ZERO], [3, 5, 0, 0], [1, 2, 8, 9])
    memory.forward(np.repeat(Q, 2, 0), label(5, 7))
    assert memory.state.ages.tolist() == [2, 0, 0, 10]


def test_a_row_takes_the_oldest_slot_of_its_rank_even_where_the_one_before_needed_none():
    memory = holding(TF2017, [E1, E2, ZERO, ZERO], [3, 5, 0, 0], [1, 2, 8, 9])
    memory.forward(np.repeat(Q, 2, 0), label(5, 7))
    assert memory.state.values.tolist() == [3, 5, 7, 0]  # slot 3, the oldest, was row 0's


def test_where_two_rows_write_one_slot_the_last_row_wins():
    memory = holding(TF2017, [E1, E2, MINUS_E1, MINUS_E2], [3, 5, 1, 1], [1, 2, 0, 0])
    memory.forward(np.array([[-0.6, 0.8], Q[0]]), label(5, 5), sources=np.array([70, 71]))
    np.testing.assert_allclose(memory.state.keys[1], averaged(Q[0], E2))
    assert memory.state.sources.tolist() == [-1, 71, -1, -1]
    assert memory.state.recent[5] == 1

    memory = holding(TF2017, [E1, E2, MINUS_E1, MINUS_E2], [3, 5, 1, 1], [1, 9, 0, 0])
    memory.forward(np.array([E1, Q[0]]), label(7, 5), sources=np.array([70, 71]))  # evicts slot 1, averages it
    np.testing.assert_allclose(memory.state.keys[1], averaged(Q[0], E2))
    assert memory.state.values.tolist() == [3, 5, 1, 1]
    assert memory.state.sources.tolist() == [-1, 71, -1, -1]
    assert memory.state.recent[[5, 7]].tolist() == [1, 1]

    memory = holding(TF2017, [E1, E2, MINUS_E1, MINUS_E2], [3, 5, 1, 1], [1, 8, 9, 0])
    memory.forward(np.array([Q[0], E1]), label(5, 7), sources=np.array([70, 71]))  # averages slot 1, evicts it
    assert memory.state.keys[1].tolist() == E1
    assert memory.state.values.tolist() == [3, 7, 1, 1]
    assert memory.state.sources.tolist() == [-1, 71, -1, -1]


def test_equal_ages_go_by_the_lower_slot():
    memory = holding(TF2017, [E1] * 4, [1] * 4, [4, 9, 4, 9])
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9))
    assert memory.state.values.tolist() == [9, 7, 1, 8]


def test_oldest_takes_the_place_of_the_choice():
    memory = holding(TF2017, [E1] * 4, [1] * 4, [4, 9, 4, 9])
    memory.forward(np.repeat(Q, 2, 0), label(7, 8), oldest=np.array([2, 0]))
    assert memory.state.values.tolist() == [8, 1, 7, 1]


def test_noise_is_added_to_the_ages():
    ages = np.array([3, 5, 4, 5, 9])
    memory = holding(TF2017, [E1] * 5, [1] * 5, ages, age_noise=8.0)
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9), rng=np.random.default_rng(3))
    order = np.argsort(-(ages + np.random.default_rng(3).uniform(-8.0, 8.0, size=5)))
    assert order[:3].tolist() != [4, 1, 3]  # the noise mattered
    assert memory.state.values[order].tolist() == [7, 8, 9, 1, 1]
    assert TF2017.age_noise == 8.0


def test_without_a_generator_there_is_no_noise():
    memory = holding(TF2017, [E1] * 4, [1] * 4, [3, 5, 4, 5], age_noise=8.0)
    memory.forward(np.repeat(Q, 3, 0), label(7, 8, 9))
    assert memory.state.values.tolist() == [1, 7, 9, 8]


def test_without_sources_a_written_slot_has_none():
    memory = holding(TF2017, [E1, E2], [3, 5], [4, 9])
    memory.state.sources[...] = [11, 12]
    memory.forward(Q, label(5))
    assert memory.state.sources.tolist() == [11, -1]


def test_without_the_hint_recent_is_never_written():
    memory = holding(TF2017, [E1, E2], [3, 5], [4, 9], recent_hint=False)
    memory.forward(Q, label(5))
    assert memory.state.ages.tolist() == [5, 0]
    assert memory.state.recent.tolist() == [0] * 10


@pytest.mark.parametrize("labels, update", [(None, True), (label(5), False), (None, False)])
def test_nothing_is_written_and_nothing_ages_unless_asked(labels, update):
    memory = holding(TF2017, [E1, E2], [3, 5], [4, 9], recent=[1] * 10)
    before = everything_in(memory)
    memory.forward(Q, labels, update=update)
    assert_unchanged(memory, before)


def test_a_memory_starts_with_zeros_and_value_zero():
    state = Memory(2, 3, profile=TF2017, vocab_size=4).state
    assert state.keys.tolist() == [ZERO] * 3
    assert state.values.tolist() == state.ages.tolist() == [0, 0, 0]
    assert state.recent.tolist() == [0, 0, 0, 0]
    assert state.sources.tolist() == [-1, -1, -1]


def test_clear_forgets_all_but_the_projection():
    memory = holding(TF2017, [E1, E2], [3, 5], [4, 9], recent=[1] * 10)
    memory.params["query_projection"][...] = [[1.0, 2.0], [3.0, 4.0]]
    memory.forward(Q, label(5), sources=np.array([7]))
    memory.clear()
    assert memory.params["query_projection"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert memory.state.keys.tolist() == [ZERO, ZERO]
    assert memory.state.values.tolist() == memory.state.ages.tolist() == [0, 0]
    assert memory.state.sources.tolist() == [-1, -1]
    assert memory.state.recent.tolist() == [0] * 10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_queries_leave_equal_keys(dtype):
    """To the last bit, wherever in the batch they stand: else they could not tie."""
    rng = np.random.default_rng(0)
    memory = Memory(16, 40, profile=TF2017, vocab_size=40, dtype=dtype, seed=1)
    queries = np.repeat(rng.standard_normal((1, 16)), 23, 0).astype(dtype)
    memory.forward(queries, np.arange(1, 24))
    keys = memory.state.keys[memory.state.values > 0]
    assert len(keys) == 23 and (keys == keys[0]).all()


def test_at_the_corner_of_the_hinge_the_gradient_is_zero():
    memory = holding(TF2017, [[0.5, 0.5], E2], [3, 5], alpha=0.5, recent_hint=False)
    output, cache = memory.forward(np.array([E1]), label(3))
    assert output.loss == -0.5  # relu(0 - 0.5 + 0.5) - 0.5
    d_queries, _ = memory.backward(cache)
    assert d_queries.tolist() == [[0.0, 0.0]]


def test_the_projection_starts_as_a_truncated_normal():
    weights = Memory(64, 2, profile=TF2017, vocab_size=4, seed=3).params["query_projection"]
    assert np.abs(weights).max() <= 0.02  # two standard deviations of 0.01
    assert np.abs(weights).max() > 0.019
    assert weights.std() == pytest.approx(0.0088, rel=0.05)  # what is left of 0.01
    assert abs(weights.mean()) < 0.0005
    other = Memory(64, 2, profile=TF2017, vocab_size=4, seed=4).params["query_projection"]
    assert not np.array_equal(weights, other)
