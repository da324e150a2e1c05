"""Translation as a task: every pair once an epoch, little padding, sentences that cannot be used refused by number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks import translation
from reference_models.tasks.translation import Encoded, Vocabularies
from reference_models.tasks.translation.parallel_text import Pairs
from reference_models.tasks.translation.vocabulary import END, PAD, Words

BOTH = Vocabularies(Words(["a", "b"]), Words(["x", "y"]))


def made(lengths, rng):
    return Encoded(*([np.append(rng.integers(4, 9, n - 1), END) for n in side] for side in lengths))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=60), st.integers(12, 60),
       st.integers(0, 9))
def test_an_epoch_has_every_pair_once_in_batches_that_are_not_too_large(lengths, tokens, seed):
    text = made(list(zip(*lengths, strict=True)), np.random.default_rng(seed))
    batches = translation.epoch(text, tokens=tokens, rng=np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(text)))
    for rows in batches:
        batch = translation.batch(text, rows)
        assert batch.target.size <= tokens and batch.target.shape[1] == batch.target_lengths.max()
        for b, row in enumerate(rows):
            for tokens_, length, whole in ((batch.source, batch.source_lengths, text.source),
                                           (batch.target, batch.target_lengths, text.target)):
                assert tokens_[b, :length[b]].tolist() == whole[row].tolist()
                assert (tokens_[b, length[b]:] == PAD).all()


def test_lengths_stand_together_and_epochs_differ():
    rng = np.random.default_rng(0)
    text = made(rng.integers(5, 30, (2, 600)), rng)
    one, other = (translation.epoch(text, tokens=500, rng=np.random.default_rng(seed)) for seed in (1, 2))
    lengths = [[len(text.target[row]) for row in rows] for rows in one]
    assert np.mean([max(some) - np.mean(some) for some in lengths]) < 2
    assert any(a.tolist() != b.tolist() for a, b in zip(one, other, strict=False))


def test_pairs_become_tokens():
    text = BOTH.encode(Pairs(["a b", "b"], ["y", "x x y"]))
    assert [s.tolist() for s in text.source] == [[4, 5, END], [5, END]] and text.target[1].tolist() == [4, 4, 5, END]


@pytest.mark.parametrize(("pairs", "said"), [
    (Pairs(["a", " "], ["x", "y"]), "val, source sentence 2 is empty"),
    (Pairs(["a"], ["x y x y"]), "val, target sentence 1 has 4 tokens, and the limit is 3: x y")])
def test_a_sentence_that_cannot_be_used_is_named(pairs, said):
    with pytest.raises(ValueError, match=said):
        BOTH.encode(pairs, longest=3, name="val")
