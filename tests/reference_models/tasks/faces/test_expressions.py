"""Faces of any origin: how they become numbers, and that nobody is on both sides."""

import numpy as np
import pytest

from reference_models.tasks.faces import made_up
from reference_models.tasks.faces.expressions import FaceSplit, as_pixels, check_split


@pytest.fixture(scope="module")
def split():
    return made_up.load(3, train_people=2, test_people=1, takes=1)


def test_pixels_are_standardised(split):
    pixels = as_pixels(split.test.images)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels.mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(pixels.std(axis=(1, 2)), 1, rtol=1e-3)
    assert not as_pixels(np.full((1, 48, 48), 7, np.uint8)).any()


def test_a_person_on_both_sides_is_refused(split):
    with pytest.raises(ValueError, match="person 0 is among the faces to learn from and among those to be tested on"):
        check_split(FaceSplit(split.train, split.train, ""))
