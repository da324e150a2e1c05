"""Every operation, the memory and the classifier run on an array module that is not NumPy, and find the same."""

import numpy as np
import pytest
from support.memories import a_batch
from support.operations import CASES
from support.standin import standin

from refmem import arrays
from refmem.cli.gradcheck_targets import MODELS
from refmem.memory import PAPER, TF2017, Memory, explain

from reference_models.classifier import Classifier
from reference_models.classifier.embedding import Size
from reference_models.seq2seq import Query, Seq2Seq
from reference_models.seq2seq import Size as Seq2SeqSize
from reference_models.seq2seq.search import beam_search

ON_THE_HOST_ONLY = {"additive_attention_fused", "cgru_winograd", "conv2d_im2col", "conv2d_relu", "conv2d_winograd",
                    "fast_weights_rnn_compiled", "lstm_fused"}


def moved(thing):
    return standin.asarray(thing) if isinstance(thing, np.ndarray) else thing


def test_the_stand_in_is_strict():
    there, here = standin.asarray(np.ones(3)), np.ones(3)
    for mix in (lambda: there + here, lambda: here + there, lambda: np.sqrt(there), lambda: np.asarray(there),
                lambda: there[here.astype(int)], lambda: standin.maximum(there, here), lambda: standin.fft):
        with pytest.raises((TypeError, AttributeError)):
            mix()
    assert arrays.module_of(there) is standin
    assert isinstance(arrays.to_host(there), np.ndarray)


@pytest.mark.parametrize("name", sorted(CASES.keys() - ON_THE_HOST_ONLY))
def test_an_operation_finds_the_same(name):
    case = CASES[name]
    inputs = case.inputs()
    y, cache = case.forward(*inputs)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    rest = [np.random.default_rng(item.seed) if hasattr(item, "seed") else moved(item) for item in case.rest]
    options = {key: np.random.default_rng(item.seed) if hasattr(item, "seed") else item
               for key, item in case.options.items()}
    y_there, cache_there = case.op.forward(*map(moved, inputs), *rest, **options)
    np.testing.assert_allclose(y_there.get(), y, rtol=1e-13)
    for got, want in zip(case.backward(moved(dy), cache_there), case.backward(dy, cache), strict=True):
        np.testing.assert_allclose(got.get(), want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", sorted(ON_THE_HOST_ONLY))
def test_a_twin_for_the_host_says_so(name):
    case = CASES[name]
    with pytest.raises(TypeError, match="this twin of [a-z0-9_]+ runs on NumPy arrays"):
        case.forward(*map(moved, case.inputs()))


@pytest.mark.parametrize("profile", [PAPER, TF2017], ids=lambda profile: profile.name)
def test_a_memory_lives_the_same_life(profile, tmp_path):
    here = Memory(4, 12, profile=profile, vocab_size=5)
    there = Memory(4, 12, profile=profile, vocab_size=5, xp=standin)
    rng = np.random.default_rng(3)
    for step in range(12):
        queries, labels = a_batch(rng, 3, 4, 5)
        noise = [np.random.default_rng(step) for _ in range(2)]
        a, cache_a = here.forward(queries, labels, rng=noise[0], sources=np.arange(3))
        b, cache_b = there.forward(moved(queries), moved(labels), rng=noise[1], sources=moved(np.arange(3)))
        weights = rng.standard_normal(a.confidence.shape)
        grads = [here.backward(cache_a, d_confidence=weights), there.backward(cache_b, d_confidence=moved(weights))]
        for one, two in zip(a, b, strict=True):
            np.testing.assert_allclose(arrays.to_host(two), one, rtol=1e-12)
        np.testing.assert_allclose(grads[1][0].get(), grads[0][0], rtol=1e-10, atol=1e-13)
        for name in grads[0][1]:
            np.testing.assert_allclose(grads[1][1][name].get(), grads[0][1][name], rtol=1e-10, atol=1e-13)
    for name, array in here.state.arrays().items():
        np.testing.assert_allclose(there.state.arrays()[name].get(), array, rtol=1e-13)

    there.save(tmp_path / "memory.npz")
    back = Memory.load(tmp_path / "memory.npz")
    np.testing.assert_array_equal(back.state.keys, there.state.keys.get())
    assert explain(there, moved(queries), top=1)[0][0].slot == explain(here, queries, top=1)[0][0].slot


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_memory_does_not_mix_devices(wrong):
    memory = Memory(4, 12, xp=standin)
    arguments = [moved(np.ones((2, 4))), moved(np.array([0, 1]))]
    arguments[wrong] = arguments[wrong].get()
    with pytest.raises(TypeError, match="must be an array of standin like the memory"):
        memory.forward(*arguments)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_finds_the_same(name):
    outcomes = []
    for xp in (np, standin):
        problem = MODELS[name]("float64", xp)
        loss, pull = problem.linearize(problem.arguments)
        outcomes.append([loss, *pull((np.array(0.7),))])
    for here, there in zip(*outcomes, strict=True):
        assert isinstance(there, np.ndarray | None)
        np.testing.assert_allclose(there, here, rtol=1e-10, atol=1e-13)


def test_the_classifier_learns_the_same():
    size = Size((2, 2, 3, 3), (5, 4), 0.5, "fan_in")
    here = Classifier(size, memory_size=8, conv="plain", dtype=np.float64, shards=1)
    there = Classifier(size, memory_size=8, dtype=np.float64, shards=1, xp=standin)
    rng = np.random.default_rng(0)
    for step in range(2):
        images, labels = rng.random((3, 28, 28, 1)), np.array([0, 1, 0])
        a, cache_a = here.forward(images, labels, training=True, rng=np.random.default_rng(step))
        b, cache_b = there.forward(moved(images), moved(labels), training=True, rng=np.random.default_rng(step))
        assert float(b.loss) == pytest.approx(float(a.loss), rel=1e-12)
        for name, gradient in here.backward(cache_a).items():
            np.testing.assert_allclose(there.backward(cache_b)[name].get(), gradient, rtol=1e-9, atol=1e-12)


def test_the_encoder_decoder_learns_and_writes_the_same():
    size = Seq2SeqSize(6, 6, width=3, embedding=4, attention=3, decoder_layers=3, encoder_layers=3,
                       query=Query("both", 3, norm=True))
    options = {"memory_size": 9, "keep": 0.8, "dtype": np.float64, "twin": "plain"}
    here, there = Seq2Seq(size, **options), Seq2Seq(size, **options, xp=standin)
    source, target = np.array([[3, 4, 5], [5, 3, 0]]), np.array([[5, 4, 2], [3, 2, 0]])
    for step in range(3):
        draws = [np.random.default_rng(step) for _ in range(2)]
        a, cache_a = here.forward(source, target, training=True, rng=draws[0], gold=0.5)
        b, cache_b = there.forward(moved(source), moved(target), training=True, rng=draws[1], gold=0.5)
        assert b.objective == pytest.approx(a.objective, rel=1e-12)
        expected = here.backward(cache_a)
        for name, gradient in there.backward(cache_b).items():
            np.testing.assert_allclose(gradient.get(), expected[name], rtol=1e-9, atol=1e-12)
    written = [beam_search(here, source, beam=2, limit=4), beam_search(there, moved(source), beam=2, limit=4)]
    assert [one.tokens for one in written[0]] == [one.tokens for one in written[1]]
    assert [one.values for one in written[0]] == [one.values for one in written[1]]
