"""Glyphs: the same from the same seed, shaped like Omniglot, hard for pixels, told apart by shape."""

import numpy as np
import pytest

from refmem.storage import digest
from reference_models.tasks import handwriting
from reference_models.tasks.one_shot import glyphs
from reference_models.tasks.one_shot.episodes import in_rounds


@pytest.fixture(scope="module")
def some():
    return glyphs.load(0, train_alphabets=2, test_alphabets=4, rotate_train=False)


def test_the_seed_decides_every_pixel_and_an_alphabet_stands_alone(some):
    again = glyphs.alphabet(0, 1)
    first = some.train.classes - again.classes
    np.testing.assert_array_equal(some.train.images[first:], again.images)
    assert digest(glyphs.alphabet(1, 1).images) != digest(again.images)


def test_the_pixels_of_seed_0_are_those_that_they_were():
    """Figures were measured on them. The sum is not exact: Pillow may draw a line a little differently one day."""
    first = glyphs.alphabet(0, 0)
    assert first.classes == 44
    assert int(first.images.sum()) == pytest.approx(15178587, rel=1e-3)


def test_it_is_laid_out_like_omniglot(some):
    for part in (some.train, some.test):
        assert part.drawers == 20 and part.images.dtype == np.uint8
        assert 22 <= part.alphabets.count(part.alphabets[0]) <= 44
        assert len(set(zip(part.alphabets, part.names, strict=True))) == part.classes
    assert set(some.train.alphabets) == {"Glyphs01", "Glyphs02"}
    assert set(some.test.alphabets) == {"Glyphs03", "Glyphs04", "Glyphs05", "Glyphs06"}
    ink = some.test.images.mean(axis=(2, 3)) / 255
    assert 0.06 < ink.mean() < 0.11  # Omniglot: 0.084
    assert (ink > 0.005).all()  # no empty page
    touching = (some.test.images[..., [0, -1], :] > 0).any(axis=(2, 3)).mean()
    assert touching < 0.25  # most stay on the page


def test_no_drawing_is_made_twice(some):
    drawings = some.test.images.reshape(-1, 784)
    assert len(np.unique(drawings, axis=0)) == len(drawings)


def one_shot(embedding, characters, ways=5, episodes=150):
    """Accuracy of the nearest neighbour in presentation 2."""
    rng = np.random.default_rng(0)
    right = []
    for _ in range(episodes):
        plan = in_rounds(characters, ways=ways, presentations=2, rng=rng)
        first, second = embedding[plan.sources]  # [N, D] each
        nearest = ((second[:, None] - first) ** 2).sum(axis=-1).argmin(axis=1)
        right.append(np.mean(plan.labels[0][nearest] == plan.labels[1]))
    return float(np.mean(right))


def test_pixels_are_not_enough_yet_the_class_is_in_the_drawing(some):
    """Nearest neighbour on pixels stays far below 75 % (Omniglot: 45 %), and finds far more than a guess."""
    pixels = some.test.images.reshape(-1, 784).astype(np.float32)
    assert 0.35 < one_shot(pixels, some.test) < 0.65


def test_rotations_are_switches():
    plain, both = (glyphs.load(3, train_alphabets=1, test_alphabets=1, rotate_train=turn, rotate_test=turn)
                   for turn in (False, True))
    assert both.train.classes == 4 * plain.train.classes and both.test.classes == 4 * plain.test.classes
    assert plain.name == both.name


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="at least one alphabet is needed on either side, got 0 and 1"):
        glyphs.load(0, train_alphabets=0, test_alphabets=1)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        glyphs.load(-1)


@pytest.mark.parametrize("smooth", [True, False])
def test_the_curve_goes_through_its_points(smooth):
    weights = handwriting._through(4, smooth)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(weights[:: handwriting.SAMPLES], np.eye(4), atol=1e-12)
    straight = weights @ np.array([[0.0, 0], [1, 2], [2, 4], [3, 6]])  # points of a line stay on it
    np.testing.assert_allclose(straight[:, 1], 2 * straight[:, 0], atol=1e-12)
