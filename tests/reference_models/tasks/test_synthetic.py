"""The synthetic task: the paper's example, copies and replaced numbers, one f for both sets, honest baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks import synthetic
from reference_models.tasks.synthetic import Synthetic


def number_in(string):
    """The base-4 number among the letters, read symbol by symbol."""
    return int("".join(symbol for symbol in string.split() if symbol in "0123"), 4)


def test_the_paper_writes_1982_and_3726_like_this():
    assert synthetic.digits(np.array([1982, 3726])).tolist() == [[0, 1, 3, 2, 3, 3, 2], [0, 3, 2, 2, 0, 3, 2]]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 99), st.integers(8, 40))
def test_letters_are_copied_and_the_number_becomes_f_of_it(seed, longest):
    task = Synthetic(seed=seed, longest=longest)
    examples = task.draw(50, np.random.default_rng(seed))
    for row in range(50):
        given_, wanted = (synthetic.text(side[row]) for side in (examples.inputs, examples.outputs))
        symbols = given_.split()
        assert len(symbols) == examples.lengths[row] and 8 <= len(symbols) <= longest
        where = [i for i, symbol in enumerate(symbols) if symbol in "0123"]
        assert where == list(range(examples.starts[row], examples.starts[row] + 7))
        assert number_in(given_) == examples.numbers[row]
        assert number_in(wanted) == task.table[examples.numbers[row] - 2] == task.f(examples.numbers[row])
        assert [s for i, s in enumerate(wanted.split()) if i not in where] \
            == [s for i, s in enumerate(symbols) if i not in where]
        np.testing.assert_array_equal(synthetic.tokens(given_), examples.inputs[row, :examples.lengths[row]])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 99), st.integers(7, 45))
def test_a_piece_is_a_stretch_of_its_example_with_the_whole_number(seed, length):
    whole = Synthetic(seed=seed).draw(30, np.random.default_rng(seed))
    pieces = whole.cut(length, np.random.default_rng(seed))
    for row in range(30):
        size = pieces.lengths[row]
        assert size == min(length, whole.lengths[row])
        shift = whole.starts[row] - pieces.starts[row]
        assert 0 <= pieces.starts[row] <= size - 7 and 0 <= shift <= whole.lengths[row] - size
        for piece, side in ((pieces.inputs, whole.inputs), (pieces.outputs, whole.outputs)):
            np.testing.assert_array_equal(piece[row, :size], side[row, shift:shift + size])
            assert not piece[row, size:].any()
    np.testing.assert_array_equal(pieces.numbers, whole.numbers)


def test_pieces_lie_anywhere_and_hold_a_number():
    whole = Synthetic().draw(400, np.random.default_rng(0))
    assert set(whole.cut(9, np.random.default_rng(0)).starts) == {0, 1, 2}
    led, room = whole.cut(9, np.random.default_rng(0), lead=1), whole.cut(7, np.random.default_rng(0), lead=1)
    assert set(led.starts[whole.starts > 0]) == {1, 2}, "a letter stays before the number where there is one"
    assert set(led.starts[whole.starts == 0]) == {0} and set(room.starts) == {0}
    with pytest.raises(ValueError, match="length must be at least 7, so that a number fits, got 6"):
        whole.cut(6, np.random.default_rng(0))


def test_s_is_what_the_paper_says_and_both_sets_ask_about_one_f():
    task = Synthetic()
    train, test = task.train(), task.test(2000)
    assert (len(train), len(task.table)) == (40_000, 15_999)
    for numbers in (train.numbers, task.table):
        assert numbers.min() < 20 and numbers.max() > 15_980
        assert (numbers >= 2).all() and (numbers <= 16_000).all()
    image = dict(zip(train.numbers.tolist(), (train.outputs[np.arange(40_000)[:, None], train.starts[:, None]
                                                            + np.arange(7)] - 3).tolist(), strict=True))
    shared = [row for row in range(2000) if int(test.numbers[row]) in image]
    for row in shared:
        start = test.starts[row]
        assert image[int(test.numbers[row])] == (test.outputs[row, start:start + 7] - 3).tolist()
    assert synthetic.coverage(train, test) == len(shared) / 2000
    assert abs(len(shared) / 2000 - (1 - np.exp(-40_000 / 15_999))) < 0.03


def test_lengths_and_places_are_uniform_and_the_seed_decides():
    task = Synthetic(seed=1)
    train = task.train()
    assert np.bincount(train.lengths, minlength=41)[8:].min() > 1000
    longest = train.starts[train.lengths == 40]
    assert np.bincount(longest, minlength=34).min() > 15 and longest.max() == 33
    np.testing.assert_array_equal(train.inputs, Synthetic(seed=1).train().inputs)
    assert (Synthetic(seed=2).table != task.table).mean() > 0.99


def test_only_the_whole_string_counts():
    examples = Synthetic().draw(30, np.random.default_rng(0))
    answers = examples.outputs.copy()
    answers[np.arange(40) >= examples.lengths[:, None]] = 5  # behind the end
    assert synthetic.fully_correct(answers, examples).all()
    answers[3, examples.lengths[3] - 1] = 6
    assert synthetic.fully_correct(answers, examples).tolist() == [row != 3 for row in range(30)]
    with pytest.raises(ValueError, match="shape of the outputs"):
        synthetic.fully_correct(answers[:, 1:], examples)


def test_the_hamming_neighbour_is_found_by_counting():
    task = Synthetic(largest=40, longest=12)
    train, test = task.draw(60, np.random.default_rng(1)), task.draw(20, np.random.default_rng(2))
    found = synthetic.hamming_answers(train, test, at_once=7)
    for row, string in enumerate(test.inputs):
        distances = [sum(int(a != b) for a, b in zip(string, other, strict=True)) for other in train.inputs]
        np.testing.assert_array_equal(found[row], train.outputs[distances.index(min(distances))])


def test_a_part_of_the_examples_is_cut_to_its_longest():
    examples = Synthetic().draw(100, np.random.default_rng(0))
    rows = np.argsort(examples.lengths)[:10]
    part = examples.take(rows)
    assert len(part) == 10 and part.inputs.shape[1] == part.lengths.max() < 40
    assert synthetic.text(part.inputs[4]) == synthetic.text(examples.inputs[rows[4]])


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda: Synthetic(largest=16_384), "7 digits"), (lambda: Synthetic(longest=7), "at least 8"),
    (lambda: Synthetic().draw(0, np.random.default_rng(0)), "count must be"),
    (lambda: Synthetic().f(np.array([1])), "S = 2"), (lambda: synthetic.tokens("A C"), "'C'")])
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()
