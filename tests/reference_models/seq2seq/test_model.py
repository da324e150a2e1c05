"""The encoder-decoder with its memory: gradients, twins, what the memory is taught, and what is refused."""

import copy
import tracemalloc

import numpy as np
import pytest

from reference_models.seq2seq import Query, Seq2Seq, Size
from reference_models.seq2seq import shards as seq2seq_shards

SOURCE = np.array([[3, 4, 5, 6], [5, 3, 0, 0], [7, 4, 3, 0]])
TARGET = np.array([[5, 6, 2, 0], [3, 2, 0, 0], [4, 3, 5, 2]])


def size(**options):
    return Size(**{"source_vocabulary": 8, "target_vocabulary": 8, "width": 5, "embedding": 4, "attention": 3}
                | options)


def model(size, **options):
    """With something in its memory."""
    made = Seq2Seq(size, **{"memory_size": 12, "dtype": np.float64, "twin": "plain", "seed": 1} | options)
    rng = np.random.default_rng(5)
    for _ in range(4):
        if made.memory is not None:
            made.memory.forward(rng.standard_normal((3, size.query_width)), rng.integers(2, 8, 3))
    return made


CASES = {
    "paper": (size(), {}),
    "query from the top, normalised": (size(encoder_layers=1, decoder_layers=3, tied=True, attend_from="previous",
                                            query=Query("top", norm=True)), {"keep": 0.7, "gold": 0.5}),
    "query from both, projected": (size(encoder_layers=3, decoder_layers=3, tied=True, shared=True,
                                        query=Query("both", 3, norm=True)), {"keep": 0.7, "memory_weight": 3.0}),
    "gold": (size(decoder_layers=4, shared=True, query=Query("both", 3)), {"smoothing": 0.1, "gold": 1.0}),
    "without a memory": (size(), {"memory_size": 0}),
}
each = pytest.mark.parametrize(("size", "options"), CASES.values(), ids=CASES.keys())


def run(made, gold, **options):
    """One training step whose random numbers and running statistics are always the same."""
    made.statistics = copy.deepcopy(made.statistics)
    return made.forward(SOURCE, TARGET, update=False, training=True, rng=np.random.default_rng(3), gold=gold, **options)


@each
def test_the_gradients_are_those_of_small_steps(size, options):
    options, rng = dict(options), np.random.default_rng(0)
    gold = options.pop("gold", 0.0)
    made = model(size, **options)
    gradients = made.backward(run(made, gold)[1])
    assert gradients.keys() == made.params.keys()
    for name, parameter in made.params.items():
        assert gradients[name].shape == parameter.shape
        for i in rng.choice(parameter.size, min(3, parameter.size), replace=False):
            at, h, sides = np.unravel_index(i, parameter.shape), 1e-5, []
            for sign in (1, -1):
                parameter[at] += sign * h
                sides.append(run(made, gold)[0].objective)
                parameter[at] -= sign * h
            assert gradients[name][at] == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-5, abs=1e-8), name


@each
@pytest.mark.parametrize("shards", [1, 2])
def test_the_fused_twin_finds_the_same(size, options, shards):
    options = dict(options)
    gold = options.pop("gold", 0.0)
    plain, fused = model(size, **options), model(size, **options | {"twin": "fused", "shards": shards})
    (one, cache), (two, fused_cache) = run(plain, gold), run(fused, gold)
    assert two.objective == pytest.approx(one.objective, rel=1e-13)
    np.testing.assert_array_equal(one.right, two.right)
    expected = plain.backward(cache)
    for name, gradient in fused.backward(fused_cache).items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("twin", ["plain", "fused"])
@pytest.mark.parametrize("name", ["paper", "query from the top, normalised", "query from both, projected",
                                  "without a memory"])
def test_the_gradients_are_those_of_autograd(name, twin):
    """To 1e-10 of each parameter's largest, the memory's two paths included."""
    torch = pytest.importorskip("torch")
    from support import torch_seq2seq

    sized, options = CASES[name]
    made = model(sized, **{key: value for key, value in options.items() if key != "gold"}, twin=twin, smoothing=0.1)
    rng = np.random.default_rng(3)
    scales = None if made.keep == 1 else seq2seq_shards.dropout_scales(
        sized, SOURCE, TARGET, made.keep, copy.deepcopy(rng), like=made.params["output.bias"])
    output, cache = made.forward(SOURCE, TARGET, update=False, training=True, rng=rng)
    gradients = made.backward(cache)

    params = {key: torch.tensor(p, requires_grad=True) for key, p in made.params.items()}
    contents = None
    if made.memory is not None:
        contents = torch.tensor(made.memory.state.keys), torch.tensor(made.memory.state.values)
    objective, loss, memory_loss = torch_seq2seq.objective(
        params, sized, torch.tensor(SOURCE), torch.tensor(TARGET), memory_weight=made.memory_weight, smoothing=0.1,
        contents=contents, scales=scales and {place: torch.tensor(scale) for place, scale in scales.items()})
    objective.backward()
    assert output.loss == pytest.approx(loss.item(), rel=1e-12)
    assert output.objective == pytest.approx(objective.item(), rel=1e-12)
    if made.memory is not None:
        assert output.memory_loss == pytest.approx(memory_loss.item(), rel=1e-12)
        assert memory_loss.item() > 0, "nothing would be shown"
    for key, parameter in params.items():
        want = parameter.grad.numpy()
        atol = max(1e-15, 1e-10 * np.abs(want).max())
        np.testing.assert_allclose(gradients[key], want, rtol=1e-10, atol=atol, err_msg=key)
        # A second normalisation takes off again what the first one's bias puts on.
        assert np.abs(want).max() > 1e-8 or key == "query.norm1.bias", key


# --- The memory -------------------------------------------------------------------------------------------------


def test_every_token_is_taught_and_no_padding():
    made = model(size())
    made.memory.clear()
    output, _ = made.forward(SOURCE, TARGET, sources=np.array([10, 11, 12]))
    written = made.memory.state.values >= 0
    assert written.sum() == (TARGET != 0).sum() == len(output.right) == 9
    assert sorted(made.memory.state.values[written]) == sorted(TARGET[TARGET != 0])
    assert set(made.memory.state.sources[written]) == {10, 11, 12}


def test_showing_writes_what_training_would_and_changes_no_weight():
    one, other = model(size(), memory_size=40), model(size(), memory_size=40)
    before = {name: parameter.copy() for name, parameter in one.params.items()}
    for _ in range(3):
        shown = one.show(SOURCE, TARGET, sources=np.arange(3))
        output, _ = other.forward(SOURCE, TARGET, sources=np.arange(3))
        np.testing.assert_array_equal(shown.values, output.memory.values)
    for name, array in one.memory.state.arrays().items():
        np.testing.assert_array_equal(array, other.memory.state.arrays()[name])
    for name, parameter in one.params.items():
        np.testing.assert_array_equal(parameter, before[name])


def test_what_was_shown_is_found_again():
    """Three passes, as the paper shows its context: after them each query finds its own token."""
    made = model(size(), memory_size=40)
    made.memory.clear()
    for _ in range(3):
        made.show(SOURCE, TARGET)
    output, _ = made.forward(SOURCE, TARGET, update=False)
    np.testing.assert_array_equal(output.memory.values, TARGET[output.sentence, output.step])


def test_without_update_nothing_is_written():
    made = model(size())
    before = {name: array.copy() for name, array in made.memory.state.arrays().items()}
    made.forward(SOURCE, TARGET, update=False)
    for name, array in made.memory.state.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_an_empty_memory_and_one_that_is_not_read_say_the_same():
    empty, full = model(size()), model(size())
    empty.memory.clear()
    np.testing.assert_array_equal(empty.forward(SOURCE, TARGET, update=False)[0].token_loss,
                                  full.forward(SOURCE, TARGET, update=False, read=False)[0].token_loss)
    assert full.forward(SOURCE, TARGET, update=False)[0].loss != empty.forward(SOURCE, TARGET, update=False)[0].loss


def test_gold_is_mixed_in_training_alone():
    made = model(size())
    plain = made.forward(SOURCE, TARGET, update=False)[0].loss
    assert made.forward(SOURCE, TARGET, update=False, gold=1.0, rng=np.random.default_rng(0))[0].loss == plain
    assert made.forward(SOURCE, TARGET, update=False, gold=1.0, training=True,
                        rng=np.random.default_rng(0))[0].loss != plain


def test_the_later_tokens_of_a_sentence_are_not_seen_by_the_earlier():
    made = model(size(attend_from="previous"))
    other = TARGET.copy()
    other[0, 1:3] = 7, 2
    one, two = (made.forward(SOURCE, target, update=False)[0] for target in (TARGET, other))
    assert one.token_loss[0] == two.token_loss[0]
    assert one.token_loss[2] != two.token_loss[2]


def test_the_running_statistics_move_in_training_alone():
    made = model(size(query=Query("both", 3, norm=True)))
    before = copy.deepcopy(made.statistics)
    made.forward(SOURCE, TARGET, update=False)
    assert all((made.statistics[name] == array).all() for name, array in before.items())
    made.forward(SOURCE, TARGET, update=False, training=True)
    assert all((made.statistics[name] != array).any() for name, array in before.items())


# --- Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target", "error", "message"), [
    (SOURCE, TARGET[:2], ValueError, "source and target must have as many rows, got 3 and 2"),
    (np.array([[3, 0, 4]]), TARGET[:1], ValueError, "source must have its padding .* after all tokens"),
    (np.array([[0, 0]]), TARGET[:1], ValueError, "source must have a token in each row, got none in row 0"),
    (SOURCE[:1], np.array([[8, 2]]), ValueError, r"target must be in 0\.\.7, got 8"),
    (SOURCE[:1], np.array([[-1, 2]]), ValueError, r"target must be in 0\.\.7, got -1"),
    (SOURCE[:1].astype(float), TARGET[:1], TypeError, "source must be integers"),
    (SOURCE[0], TARGET[:1], ValueError, "source must have 2 dimensions"),
    (np.zeros((0, 3), int), np.zeros((0, 3), int), ValueError, "source must have a token in each row, got no rows"),
])
def test_wrong_sentences_are_refused_and_the_memory_is_left_alone(source, target, error, message):
    made = model(size())
    before = {name: array.copy() for name, array in made.memory.state.arrays().items()}
    with pytest.raises(error, match=message):
        made.forward(source, target)
    for name, array in made.memory.state.arrays().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("options", "message"), [
    ({"decoder_layers": 1}, "decoder_layers must be at least 2"), ({"width": 0}, "width must be at least 1, got 0"),
    ({"attend_from": "next"}, "attend_from must be 'current' or 'previous', got 'next'"),
    ({"shared": True, "target_vocabulary": 9}, "a shared embedding needs one vocabulary"),
])
def test_a_size_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        size(**options)


@pytest.mark.parametrize(("options", "message"), [
    ({"keep": 0.0}, r"keep must lie in \(0, 1\], got 0.0"), ({"smoothing": -0.1}, "smoothing must lie in"),
    ({"smoothing": 1.0}, r"smoothing must lie in \[0, 1\), got 1"), ({"shards": 0}, "shards must be at least 1, got 0"),
    ({"twin": "fast"}, "twin must be one of plain, fused, got 'fast'"),
])
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        model(size(), **options)


def test_dropout_without_random_numbers_is_refused():
    with pytest.raises(ValueError, match="rng must be given for training with dropout or gold"):
        model(size(), keep=0.5).forward(SOURCE, TARGET, training=True)


def test_showing_needs_a_memory():
    with pytest.raises(ValueError, match="the model has no memory"):
        model(size(), memory_size=0).show(SOURCE, TARGET)


def test_without_gradients_there_is_no_way_back():
    made = model(size(), twin="fused")
    output, cache = made.forward(SOURCE, TARGET, update=False, gradients=False)
    assert output.loss == made.forward(SOURCE, TARGET, update=False)[0].loss
    with pytest.raises(ValueError, match="made without gradients"):
        made.backward(cache)


# --- A cache that is used up --------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("twin", ["plain", "fused"])
def test_a_cache_can_be_walked_back_again_until_it_is_released(size, options, twin):
    options = dict(options)
    gold = options.pop("gold", 0.0)
    made = model(size, **options, twin=twin, shards=2)
    cache = run(made, gold)[1]
    first, again, last = made.backward(cache), made.backward(cache), made.backward(cache, release=True)
    for name, gradient in first.items():
        np.testing.assert_array_equal(again[name], gradient)
        np.testing.assert_array_equal(last[name], gradient)
    for release in (False, True):
        with pytest.raises(ValueError, match="cache was used up by a backward pass with release=True"):
            made.backward(cache, release=release)


def test_what_was_used_is_dropped_on_the_way():
    """The arrays of the layers, each of which keeps far more than its gradients take."""
    made = Seq2Seq(Size(20, 20, width=16, embedding=16, attention=8, encoder_layers=4, decoder_layers=4))
    source = np.random.default_rng(0).integers(3, 20, (32, 30))
    grown = {}
    for release in (False, True, False, True):  # the first two load compiled code
        tracemalloc.start()
        try:
            _, cache = made.forward(source, source)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            made.backward(cache, release=release)
            left, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        grown[release] = (peak - held) / held, left / held
    assert grown[False][1] > 0.9, "the cache is whole"
    assert grown[True][1] < 0.1, "and now it is gone"
    assert grown[True][0] < 0.5 * grown[False][0], "and went layer by layer"
