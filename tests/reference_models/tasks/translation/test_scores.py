"""Scores: BLEU as sacrebleu has it, intervals that hold together, rare words counted by hand."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_models.tasks.translation import scores

REFERENCES = ["Ein Hund läuft schnell über die grüne Wiese.", "Zwei Männer sitzen auf einer Bank.", "Sie lacht."] * 4
OUTPUTS = ["Ein Hund rennt über die grüne Wiese.", "Zwei Männer stehen auf einer Bank!", "Sie lacht."] * 4
LINES = st.lists(st.tuples(*[st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)] * 2), min_size=1, max_size=8)


@settings(deadline=None)
@given(LINES)
def test_bleu_of_the_sums_is_sacrebleus(lines):
    sacrebleu = pytest.importorskip("sacrebleu")
    outputs, references = ([" ".join(words) for words in side] for side in zip(*lines, strict=True))
    ours = scores.bleu(scores.statistics(outputs, references).sum(axis=0))
    assert ours == pytest.approx(sacrebleu.corpus_bleu(outputs, [references]).score, abs=1e-9)


def test_bleu_knows_case_and_punctuation():
    sacrebleu = pytest.importorskip("sacrebleu")
    stats = scores.statistics(OUTPUTS, REFERENCES)
    assert scores.bleu(stats.sum(axis=0)) == pytest.approx(sacrebleu.corpus_bleu(OUTPUTS, [REFERENCES]).score)
    lower = scores.statistics([line.lower() for line in OUTPUTS], REFERENCES)
    assert scores.bleu(lower.sum(axis=0)) < scores.bleu(stats.sum(axis=0))


def test_intervals_hold_their_value_and_a_gain_over_oneself_is_none():
    pytest.importorskip("sacrebleu")
    before, after = scores.statistics(OUTPUTS, REFERENCES), scores.statistics(REFERENCES, REFERENCES)
    drawn = scores.resample(len(REFERENCES), np.random.default_rng(0), 300)
    assert (drawn.sum(axis=1) == len(REFERENCES)).all()
    interval = scores.bleu_interval(before, drawn)
    assert interval.low < interval.value < interval.high
    assert scores.bleu_interval(after, drawn) == (100, 100, 100)
    assert scores.gain_interval(before, before, drawn) == (0, 0, 0)
    gain = scores.gain_interval(after, before, drawn)
    assert gain.value == pytest.approx(100 - interval.value, abs=0.02) and gain.low > 0


def test_rare_words_are_found_where_they_are_asked_for():
    training = scores.count_sentences(["Tuba Tuba Hund", "Hund", "Hund", "Oboe Bank", "Oboe", "Oboe"])
    contexts = scores.count_sentences(["die Tuba .", "die Oboe", "ein Fagott", "zwei Fagott"])
    words = scores.rare_words(["Tuba Hund , 3 Tuba", "Fagott Oboe Bank"], training, contexts)
    assert words == [(0, "Tuba", 1, 1), (1, "Fagott", 0, 2), (1, "Bank", 1, 0)]
    assert scores.score(words, ["eine Tuba", "Tuba Fagott Banken"]) == (3, 2)
    assert scores.seen_once(words) == words[:1]
    assert scores.score([], ["x"]).share == 0 and scores.RareWords(3, 2).share == pytest.approx(2 / 3)


def test_what_does_not_fit_is_refused(monkeypatch):
    pytest.importorskip("sacrebleu")
    with pytest.raises(ValueError, match="1 and 2"):
        scores.statistics(["a"], ["a", "b"])
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    with pytest.raises(ModuleNotFoundError, match=r"refmem\[translate\]"):
        scores.statistics(["a"], ["a"])
