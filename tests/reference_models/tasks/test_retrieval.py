"""Sequences of associative retrieval: they are what the paper shows, and text is read with care."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks import retrieval


@settings(deadline=None, max_examples=30)
@given(st.integers(1, retrieval.MOST_PAIRS), st.integers(0, 5))
def test_each_sequence_is_a_question_with_one_answer(pairs, seed):
    drawn = retrieval.draw(20, pairs, np.random.default_rng(seed))
    assert drawn.symbols.shape == (20, 2 * pairs + 3)
    for symbols, label in zip(drawn.symbols, drawn.labels, strict=True):
        text = retrieval.written(symbols)
        np.testing.assert_array_equal(retrieval.parsed(text), symbols)  # which checks its form
        assert text[text.index(text[-1]) + 1] == str(label)


def test_the_splits_are_the_same_each_time_and_differ():
    sizes = {"train": 50, "valid": 20, "test": 20}
    one, two = retrieval.splits(4, 3, sizes), retrieval.splits(4, 3, sizes)
    np.testing.assert_array_equal(one["train"].symbols, two["train"].symbols)
    assert not (one["train"].symbols[:20] == one["test"].symbols).all()
    assert set(np.unique(retrieval.draw(500, 4, np.random.default_rng(0)).labels)) == set(range(10))


@pytest.mark.parametrize(("text", "message"), [
    ("c9k8j3F1??c", "unknown character 'F'"),
    ("c9 k8??c", "unknown character ' '"),
    ("c9k8j3f1?c", "must be pairs of a letter and a digit"),
    ("9ck8j3f1??c", "must be pairs of a letter and a digit"),
    ("??c", "must be pairs of a letter and a digit"),
    ("", "must be pairs of a letter and a digit"),
    ("c9c8??c", "must all be different"),
    ("c9k8??z", "the last must be one of them"),
])
def test_what_is_no_question_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        retrieval.parsed(text)


@pytest.mark.parametrize("pairs", [0, 27])
def test_more_pairs_than_letters_are_refused(pairs):
    with pytest.raises(ValueError, match=f"1 to 26 pairs.* got {pairs}"):
        retrieval.draw(3, pairs, np.random.default_rng(0))
