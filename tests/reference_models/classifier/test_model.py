"""The classifier: network and memory together, shards, dropout, what it refuses, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest

from reference_models.classifier import Classifier
from reference_models.classifier.embedding import Size
from refmem.memory import PAPER, TF2017

SMALL = Size((2, 3, 3, 4), (6, 5), 1.0, "fan_in")
WITH_DROPOUT = replace(SMALL, keep=0.5)


def small(size=SMALL, **options):
    """With biases that are not 0: at 0, as they start, a pixel that sees only zeros stands at the kink of its ReLU."""
    classifier = Classifier(**{"size": size, "memory_size": 16, "vocab_size": 9, "dtype": np.float64, **options})
    rng = np.random.default_rng(11)
    for name, weights in classifier.params.items():
        if name.endswith("bias"):
            weights += 0.1 * rng.standard_normal(weights.shape).astype(weights.dtype)
    return classifier


def a_batch(batch=6, classes=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    images = rng.random((batch, 28, 28, 1)).astype(dtype)
    return images, rng.integers(0, classes, batch)


@pytest.mark.parametrize("profile", [PAPER, TF2017], ids=lambda profile: profile.name)
def test_its_gradients_are_those_of_the_loss(profile):
    """Central differences of the loss along a random direction for each weight; the memory is not written meanwhile."""
    classifier = small(profile=profile)
    images, labels = a_batch()
    classifier.forward(images, labels)
    again, labels = a_batch(seed=1)
    output, cache = classifier.forward(again, labels, update=False)
    gradients = classifier.backward(cache, d_loss=3.0)
    assert gradients.keys() == classifier.params.keys()
    assert ("query_projection" in gradients) == profile.query_projection

    rng = np.random.default_rng(2)
    moving = 0
    for name in classifier.params:
        weights = classifier.params[name]
        direction = rng.standard_normal(weights.shape) * np.abs(weights).mean() if weights.any() else 0 * weights + 1.0
        ends = []
        for step in (1e-6, -1e-6):
            classifier.params[name] = weights + step * direction
            ends.append(float(classifier.forward(again, labels, update=False)[0].loss))
        classifier.params[name] = weights
        slope = (gradients[name] * direction).sum()
        assert slope == pytest.approx(3 * (ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-8), name
        moving += abs(slope) > 1e-6
    assert moving >= 6  # the loss does depend on the weights


@pytest.mark.parametrize("shards", [2, 3, 6, 50])
def test_shards_change_nothing_but_rounding(shards):
    images, labels = a_batch(7)
    results = []
    for count in (1, shards):
        classifier = small(WITH_DROPOUT, shards=count)
        rng = np.random.default_rng(5)
        classifier.forward(images, labels, training=True, rng=rng)
        output, cache = classifier.forward(images[::-1].copy(), labels, training=True, rng=rng)
        results.append((output, classifier.backward(cache)))
    (one, d_one), (other, d_other) = results
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_allclose(one.cosines, other.cosines, atol=1e-12)
    for name, gradient in d_one.items():
        np.testing.assert_allclose(d_other[name], gradient, rtol=1e-9, atol=1e-12)


def test_the_same_bits_twice():
    images, labels = a_batch(12, dtype=np.float32)
    runs = []
    for _ in range(2):
        classifier = small(WITH_DROPOUT, dtype=np.float32, seed=3)
        rng = np.random.default_rng(0)
        classifier.forward(images, labels, training=True, rng=rng)
        output, cache = classifier.forward(images, labels, training=True, rng=rng)
        runs.append((output, classifier.backward(cache)))
    for a, b in zip(runs[0][0], runs[1][0], strict=True):
        np.testing.assert_array_equal(a, b)
    for name, gradient in runs[0][1].items():
        np.testing.assert_array_equal(gradient, runs[1][1][name])


def test_dropout_is_for_training_alone():
    images, labels = a_batch()
    classifier = small(WITH_DROPOUT)
    classifier.forward(images, labels)
    looks = [classifier.forward(images, labels, update=False, training=training, rng=np.random.default_rng(seed))[0]
             for training, seed in ((False, 0), (False, 1), (True, 0), (True, 1), (True, 0))]
    np.testing.assert_array_equal(looks[0].cosines, looks[1].cosines)
    assert np.abs(looks[2].cosines - looks[0].cosines).max() > 0.01
    assert np.abs(looks[2].cosines - looks[3].cosines).max() > 0.01
    np.testing.assert_array_equal(looks[2].cosines, looks[4].cosines)


def test_it_reads_writes_and_remembers_where_from():
    images, _ = a_batch(3)
    classifier = small()
    classifier.forward(images, np.array([4, 7, 8]), sources=np.array([10, 11, 12]))
    output, _ = classifier.forward(images)
    assert output.values.tolist() == [4, 7, 8]
    assert output.loss is None
    assert sorted(classifier.memory.state.sources.tolist())[-3:] == [10, 11, 12]
    np.testing.assert_allclose(output.cosines[:, 0], 1)


def test_embedding_alone_is_what_the_memory_is_asked():
    images, labels = a_batch()
    classifier = small(shards=3)
    classifier.forward(images, labels)
    q = classifier.embed(images)
    expected, _ = classifier.memory.forward(q, labels, update=False)
    np.testing.assert_allclose(classifier.forward(images, labels, update=False)[0].cosines, expected.cosines)


@pytest.mark.parametrize("conv", ["im2col", "columns", "winograd"])
def test_the_twins_teach_the_same(conv):
    images, labels = a_batch(dtype=np.float32)
    gradients = []
    for twin in ("plain", conv):
        classifier = small(conv=twin, dtype=np.float32)
        classifier.forward(images, labels)
        gradients.append(classifier.backward(classifier.forward(images, labels[::-1].copy())[1]))
    for name, gradient in gradients[0].items():
        np.testing.assert_allclose(gradients[1][name], gradient, atol=1e-4 * np.abs(gradient).max())


def test_it_learns():
    """A few steps down the gradient lower the loss, with new arrays put in the place of the old."""
    rng = np.random.default_rng(0)
    images = np.zeros((8, 28, 28, 1))
    for image in images:
        h, w = rng.integers(2, 18, 2)
        image[h:h + 8, w:w + rng.integers(1, 9)] = 1  # a block somewhere
    labels = np.arange(8)
    classifier = small()
    classifier.forward(images, labels)
    shown = np.roll(images, 2, axis=2)
    losses = []
    for _ in range(20):
        output, cache = classifier.forward(shown, labels, update=False)
        losses.append(float(output.loss))
        gradients = classifier.backward(cache)
        length = sum(float((gradient**2).sum()) for gradient in gradients.values()) ** 0.5
        for name, gradient in gradients.items():
            classifier.params[name] = classifier.params[name] - 0.1 * gradient / length
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(("options", "message"), [
    ({"size": "huge"}, "size must be one of recipe, paper, released, got 'huge'"),
    ({"conv": "fft"}, "conv must be one of plain, im2col, columns, winograd, got 'fft'"),
    ({"shards": 0}, "shards must be at least 1, got 0"),
    ({"memory_size": 0}, "memory_size must be a whole number of at least 1"),
])
def test_what_cannot_be_built_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


@pytest.mark.parametrize(("images", "error", "message"), [
    (np.zeros((2, 28, 28)), ValueError, "images must have 4 dimensions"),
    (np.zeros((2, 20, 28, 1)), ValueError, r"images must have shape \(2, 28, 28, 1\)"),
    (np.zeros((2, 28, 28, 1), np.uint8), TypeError, "images must be float32 or float64"),
    (np.full((2, 28, 28, 1), np.nan), ValueError, "images must be finite, got nan"),
    ([[0.0]], TypeError, "images must be a NumPy or CuPy array"),
])
def test_images_that_do_not_fit_are_refused_and_nothing_is_written(images, error, message):
    classifier = small(WITH_DROPOUT)
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=message):
        classifier.forward(images, np.array([0, 1]), training=True, rng=rng)
    assert (classifier.memory.state.values == -1).all()
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_dropout_without_a_generator_is_refused():
    images, labels = a_batch()
    with pytest.raises(ValueError, match="rng must be given for training with dropout"):
        small(WITH_DROPOUT).forward(images, labels, training=True)
