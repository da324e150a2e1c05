"""Writing translations: steps against teacher forcing, greedy and beam against looking at every sentence there is."""

import itertools

import numpy as np
import pytest

from reference_models.seq2seq import END, PAD, START, Query, Seq2Seq, Size
from reference_models.seq2seq import search

SOURCE = np.array([[3, 4, 5], [5, 3, 0], [4, 0, 0]])
SIZES = {
    "current": Size(6, 6, width=5, embedding=4, attention=3),
    "previous": Size(6, 6, width=5, embedding=4, attention=3, decoder_layers=3, encoder_layers=1, tied=True,
                     attend_from="previous", query=Query("both", 3, norm=True)),
}
each = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())


def model(size, memory_size=10):
    """Far from even, with something in its memory."""
    made = Seq2Seq(size, memory_size=memory_size, dtype=np.float64, seed=2)
    rng = np.random.default_rng(0)
    for name, parameter in made.params.items():
        made.params[name] = parameter + 0.7 * rng.standard_normal(parameter.shape)
    if made.memory is not None:
        made.memory.forward(rng.standard_normal((8, size.query_width)), rng.integers(2, 6, 8),
                            sources=np.arange(100, 108))
    return made


def log_p(made, source, target, read=True):
    """Of one finished sentence, by teacher forcing."""
    output, _ = made.forward(source[None], np.array([target]), update=False, read=read)
    return -float(output.token_loss.sum())


@each
def test_a_step_says_what_teacher_forcing_says(size):
    made = model(size)
    target = np.array([[3, 5, 2], [4, 4, 2], [5, 3, 2]])
    output, _ = made.forward(SOURCE, target, update=False)
    decoder = search.Decoder(made, SOURCE)
    previous = np.concatenate([np.full((3, 1), START), target[:, :-1]], axis=1)
    for t in range(3):
        step = decoder.step(previous[:, t])
        at = output.step == t
        np.testing.assert_allclose(-step.log_p[np.arange(3), target[:, t]], output.token_loss[at], rtol=1e-12)
        np.testing.assert_array_equal(step.values, output.memory.values[at])
        np.testing.assert_allclose(step.confidence, output.memory.confidence[at, 0], rtol=1e-12)
        nearest = output.memory.neighbours[at, 0]
        np.testing.assert_array_equal(step.sources, made.memory.state.sources[nearest])


def finished_sentences(longest):
    """All that can be written with END within `longest` tokens."""
    for count in range(longest):
        for words in itertools.product(sorted({0, 1, 2, 3, 4, 5} - {PAD, START, END}), repeat=count):
            yield [*words, END]


@each
@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
def test_a_wide_beam_finds_the_best_of_all_sentences(size, alpha):
    made, limit = model(size), 4
    found = search.beam_search(made, SOURCE, beam=30, alpha=alpha, limit=limit)
    for source, translation in zip(SOURCE, found, strict=True):
        source = source[source != PAD]
        scores = {tuple(target): log_p(made, source, target) / ((5 + len(target)) / 6) ** alpha
                  for target in finished_sentences(limit)}
        assert (*translation.tokens, END) == max(scores, key=scores.get)
        assert translation.score == pytest.approx(max(scores.values()), rel=1e-10)
        assert translation.finished


@each
@pytest.mark.parametrize("read", [True, False])
def test_greedy_takes_the_likeliest_token_each_time(size, read):
    made, limit = model(size), 5
    for source, translation in zip(SOURCE, search.greedy(made, SOURCE, limit=limit, read=read), strict=True):
        source, written = source[source != PAD], []
        while len(written) < limit and written[-1:] != [END]:
            written.append(max((2, 3, 4, 5), key=lambda word: log_p(made, source, [*written, word], read)))
        assert translation.tokens == [word for word in written if word != END]
        assert translation.finished == (written[-1] == END)
        assert translation.log_probability == pytest.approx(log_p(made, source, written, read), rel=1e-10)
        assert len(translation.sources) == len(translation.values) == len(translation.tokens)


def test_a_beam_is_never_worse_than_greedy():
    for size in SIZES.values():
        made = model(size)
        greedy = search.greedy(made, SOURCE, limit=12)
        for one, other in zip(search.beam_search(made, SOURCE, beam=5, alpha=0.0, limit=12), greedy,
                              strict=True):
            assert one.score >= other.log_probability - 1e-12 or not other.finished


def test_the_memory_is_only_asked():
    made = model(SIZES["current"])
    before = {name: array.copy() for name, array in made.memory.state.arrays().items()}
    search.beam_search(made, SOURCE)
    for name, array in made.memory.state.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_where_a_word_came_from():
    """A memory whose only key is the query itself answers with the sentence that wrote it."""
    made = model(SIZES["current"], memory_size=64)
    made.memory.clear()
    made.show(SOURCE[:1], np.array([[4, 3, 5, END]]), sources=np.array([77]))
    translation, = search.greedy(made, SOURCE[:1], limit=4)
    assert translation.sources
    assert set(translation.sources) == {77}
    assert set(translation.values) <= {2, 3, 4, 5}


def test_without_a_memory_nothing_is_said():
    translation = search.greedy(model(SIZES["current"], memory_size=0), SOURCE, limit=4)[0]
    assert set(translation.sources) <= {-1}
    assert set(translation.confidence) <= {0.0}


@pytest.mark.parametrize(("options", "message"), [
    ({"beam": 0}, "beam must be at least 1, got 0"), ({"alpha": -1.0}, "alpha must be at least 0"),
    ({"limit": 0}, "limit must be at least 1, got 0"),
])
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        search.beam_search(model(SIZES["current"]), SOURCE, **options)


def test_an_empty_sentence_is_refused():
    with pytest.raises(ValueError, match="source must have a token in each row, got none in row 1"):
        search.greedy(model(SIZES["current"]), np.array([[3, 4], [0, 0]]))
