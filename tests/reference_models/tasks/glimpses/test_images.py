"""Images as examples: each at all its places, moved pixel by pixel."""

import numpy as np
import pytest

from reference_models.tasks.glimpses.images import Images


def moved(image, down, right):
    """The oracle: each pixel in its turn."""
    side = len(image)
    out = [[0.0] * side for _ in range(side)]
    for y in range(side):
        for x in range(side):
            if 0 <= y - down < side and 0 <= x - right < side:
                out[y][x] = int(image[y - down][x - right]) / 255
    return out


def test_unmoved_images_are_pixels_from_0_to_1():
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6), dtype=np.uint8)
    examples = Images(images, np.array([3, 1, 4, 1], np.uint8))
    np.testing.assert_array_equal(examples.labels, [3, 1, 4, 1])
    shown = examples.rows(np.array([2, 0]))
    assert shown.dtype == np.float32
    np.testing.assert_array_equal(shown, images[[2, 0]] * np.float32(1 / 255))


@pytest.mark.parametrize("shift", [1, 2])
def test_each_image_is_there_once_at_each_place(shift):
    images = np.random.default_rng(1).integers(1, 256, (3, 5, 5), dtype=np.uint8)
    examples = Images(images, np.array([7, 8, 9]), shift=shift)
    places = range(-shift, shift + 1)
    assert len(examples.labels) == 3 * len(places) ** 2
    shown = examples.rows(np.arange(len(examples.labels)))
    for number, label in enumerate((7, 8, 9)):
        own = [tuple(one.ravel()) for one in shown[examples.labels == label]]
        wanted = [np.array(moved(images[number], down, right), np.float32) for down in places for right in places]
        np.testing.assert_allclose(sorted(own), sorted(tuple(one.ravel()) for one in wanted), rtol=1e-7)


@pytest.mark.parametrize("shift", [-1, 5])
def test_a_shift_out_of_range_is_refused(shift):
    with pytest.raises(ValueError, match="shift must be at least 0 and less than the side of 5"):
        Images(np.zeros((2, 5, 5), np.uint8), np.zeros(2), shift=shift)
