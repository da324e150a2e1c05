"""The protocol: a context is written three times and forgotten after, translations are in order, words have origins."""

import numpy as np
import pytest

from refmem.memory.profiles import PAPER, TF2017

from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq import evaluation as protocol
from reference_models.seq2seq.search import Translation
from reference_models.seq2seq.size import Size
from reference_models.tasks.translation import Encoded, batch
from reference_models.tasks.translation.vocabulary import END, Words

VOCABULARY = Words(list("abcdefgh"))
RNG = np.random.default_rng(0)
TEXT = Encoded(*([np.append(RNG.integers(4, len(VOCABULARY), length), END) for length in (3, 7, 2, 5, 4)]
                 for _ in range(2)))


def model(memory_size=200, profile=PAPER):
    return Seq2Seq(Size(len(VOCABULARY), len(VOCABULARY), width=6, embedding=5, attention=4), memory_size=memory_size,
                   profile=profile, seed=1, dtype=np.float64)


def hits(some, text):
    pairs = batch(text, range(len(text)))
    output, _ = some.forward(pairs.source, pairs.target, update=False)
    return (output.memory.values == pairs.target[output.sentence, output.step]).mean()


def test_a_context_is_known_inside_and_forgotten_after():
    some = model()
    before = some.memory.state.copy()
    assert hits(some, TEXT) == 0
    with protocol.shown(some, TEXT, first_source=70):
        assert hits(some, TEXT) > 0.4  # untrained queries are much alike
        sources = some.memory.state.sources[some.memory.state.values >= 0]
        assert set(sources.tolist()) <= set(range(70, 75))
    for name, array in before.arrays().items():
        np.testing.assert_array_equal(some.memory.state.arrays()[name], array)


def test_it_is_shown_three_times_and_no_weight_moves(monkeypatch):
    some, shown = model(), []
    weights = {name: w.copy() for name, w in some.params.items()}
    show = some.show
    monkeypatch.setattr(some, "show", lambda source, target, sources: shown.extend(sources.tolist()) or show(
        source, target, sources=sources))
    with protocol.shown(some, TEXT):
        pass
    assert shown == list(range(5)) * 3
    for name, w in some.params.items():
        np.testing.assert_array_equal(w, weights[name])


def test_also_when_translating_fails_the_memory_is_what_it_was():
    some = model()
    with pytest.raises(RuntimeError), protocol.shown(some, TEXT):
        raise RuntimeError
    assert (some.memory.state.values < 0).all()


def test_without_a_memory_or_a_context_nothing_happens():
    for some, context in ((model(0), TEXT), (model(), None)):
        with protocol.shown(some, context):
            assert some.memory is None or (some.memory.state.values < 0).all()


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("profile", [PAPER, TF2017])
def test_answers_that_are_not_read_count_for_nothing(profile, beam):
    """Whatever the memory holds; under the released rules an empty one would say token 0."""
    some = model(profile=profile)
    unread = [(one.tokens, one.score) for one in protocol.translate(some, TEXT.source, beam=beam, length_penalty=0.6,
                                                                    read=False)]
    read = protocol.translate(some, TEXT.source, beam=beam, length_penalty=0.6)
    assert ([one.score for one in read] != [score for _, score in unread]) == (profile is TF2017)
    with protocol.shown(some, TEXT):
        again = protocol.translate(some, TEXT.source, beam=beam, length_penalty=0.6, read=False)
        told = protocol.translate(some, TEXT.source, beam=beam, length_penalty=0.6)
    assert [(one.tokens, one.score) for one in again] == unread
    assert [one.score for one in told] != [one.score for one in again]


@pytest.mark.parametrize("beam", [1, 3])
def test_translations_come_in_the_order_of_the_sentences(beam, monkeypatch):
    monkeypatch.setattr(protocol, "TRANSLATED_AT_ONCE", 2)
    some = model(0)
    together = protocol.translate(some, TEXT.source, beam=beam, length_penalty=0.6)
    for source, one in zip(TEXT.source, together, strict=True):
        alone, = protocol.translate(some, [source], beam=beam, length_penalty=0.6)
        assert alone.tokens[:len(source)] == one.tokens[:len(source)]  # the limit depends on the longest of a batch


def test_zeroed_is_as_if_nothing_had_ever_been_shown():
    some = model()
    before = protocol.translate(some, TEXT.source, beam=2, length_penalty=0.6)
    pairs = batch(TEXT, range(5))
    some.show(pairs.source, pairs.target)
    kept = some.memory
    zeroed = protocol.translate(some, TEXT.source, beam=2, length_penalty=0.6, read=False)
    assert [one.tokens for one in zeroed] == [one.tokens for one in before] and some.memory is kept
    said = protocol.translate(some, TEXT.source, beam=2, length_penalty=0.6)
    assert any(one.score != other.score for one, other in zip(said, zeroed, strict=True))


def test_a_word_is_from_where_the_memory_was_surest():
    a, b = VOCABULARY.encode("a b")
    said = Translation([a, b], 0.0, 0.0, values=[b, b], confidence=[0.2, 0.9], sources=[4, 7], finished=True)
    assert protocol.origins(said, VOCABULARY) == [("a", 4, b, 0.2), ("b", 7, b, 0.9)]
    silent = said._replace(values=[-1, -1], confidence=[0.0, 0.0], sources=[-1, -1])
    assert protocol.origins(silent, VOCABULARY) == []
