"""Faces made up on the spot: what is promised of them."""

import numpy as np
import pytest

from reference_models.tasks.faces import made_up
from reference_models.tasks.faces.expressions import CAMERAS, EXPRESSIONS, as_pixels


@pytest.fixture(scope="module")
def split():
    return made_up.load(3, train_people=4, test_people=2, takes=1)


def test_every_person_shows_every_expression_to_every_camera(split):
    for side, people in ((split.train, {0, 1, 2, 3}), (split.test, {4, 5})):
        seen = set(zip(side.people.tolist(), side.expressions.tolist(), side.cameras.tolist(), strict=True))
        assert seen == {(p, e, c) for p in people for e in range(len(EXPRESSIONS)) for c in CAMERAS}
        assert side.images.shape == (18 * len(people), 48, 48) and side.images.dtype == np.uint8


def test_a_person_depends_on_the_seed_and_a_number_alone(split):
    alone = made_up.pictures(3, range(4, 5), 1)
    np.testing.assert_array_equal(alone.images, split.test.images[:18])
    assert (made_up.pictures(4, range(4, 5), 1).images != alone.images).mean() > 0.5


def test_pictures_differ_and_use_the_range(split):
    images = split.train.images.reshape(len(split.train.images), -1).astype(int)
    apart = np.abs(images[:, None] - images[None]).mean(axis=2)
    assert apart[~np.eye(len(images), dtype=bool)].min() > 3
    assert (images.max(axis=1) - images.min(axis=1)).min() > 60


def test_an_open_mouth_is_dark_where_a_closed_one_is_not():
    """The mean picture of screams against that of neutral faces, in the place of the mouth."""
    some = made_up.pictures(0, range(20), 1)
    pixels = as_pixels(some.images)
    mouth = (slice(34, 42), slice(19, 29))
    scream, neutral = (pixels[(some.expressions == EXPRESSIONS.index(name)) & (some.cameras == 0)].mean(axis=0)[mouth]
                       for name in ("scream", "neutral"))
    assert scream.mean() < neutral.mean() - 0.4


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"train_people": 0}, {"test_people": 0}, {"takes": 0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="must be at least"):
        made_up.load(**wrong)
