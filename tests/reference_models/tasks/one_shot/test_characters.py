"""Characters: numbers of drawings and the way back, pixels, rotations as new classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_models.tasks.one_shot.characters import Characters, as_pixels, chosen, joined, rotated


def some(classes=3, drawers=4, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (classes, drawers, 28, 28)).astype(np.uint8)
    return Characters(images, tuple(f"alphabet{c % 2}" for c in range(classes)),
                      tuple(f"character{c}" for c in range(classes)))


@given(classes=st.integers(1, 6), drawers=st.integers(1, 6))
def test_sources_number_every_drawing_once_and_lead_back(classes, drawers):
    characters = Characters(np.zeros((classes, drawers, 28, 28), np.uint8), ("a",) * classes, ("b",) * classes)
    c, d = np.meshgrid(np.arange(classes), np.arange(drawers), indexing="ij")
    sources = characters.sources(c, d)
    assert sources.dtype == np.int64
    assert sorted(sources.reshape(-1)) == list(range(classes * drawers))
    back = characters.drawings(sources)
    np.testing.assert_array_equal(back[0], c)
    np.testing.assert_array_equal(back[1], d)


def test_ink_is_one_on_a_stroke_and_released_pixels_are_those_of_the_scan():
    ink = np.zeros((1, 28, 28), np.uint8)
    ink[0, 3, 5], ink[0, 4, 6] = 255, 51
    pixels = as_pixels(ink)
    assert pixels.shape == (1, 28, 28, 1) and pixels.dtype == np.float32
    assert (pixels[0, 3, 5, 0], pixels[0, 0, 0, 0]) == (1, 0)
    assert pixels[0, 4, 6, 0] == np.float32(0.2)
    released = as_pixels(ink, scale="released")
    assert released.dtype == np.float32
    assert (released[0, 3, 5, 0], released[0, 4, 6, 0], released[0, 0, 0, 0]) == (0, 204, 255)
    with pytest.raises(ValueError, match="scale must be one of ink, released, got 'grey'"):
        as_pixels(ink, scale="grey")


def test_a_batch_holds_the_drawings_asked_for():
    characters = some()
    batch = characters.batch(np.array([[5, 0], [11, 5]]))
    assert batch.shape == (2, 2, 28, 28, 1)
    np.testing.assert_array_equal(batch[1, 0, :, :, 0], characters.images[2, 3] / np.float32(255))
    np.testing.assert_array_equal(batch[0, 0], batch[1, 1])


@pytest.mark.parametrize("wrong", [-1, 12])
def test_a_number_of_no_drawing_is_refused(wrong):
    with pytest.raises(ValueError, match=r"sources must lie in 0\.\.11"):
        some().batch(np.array([0, wrong]))


def test_rotations_are_new_classes_and_the_unturned_keep_their_sources():
    characters = some()
    turned = rotated(characters)
    assert turned.classes == 12 and turned.drawers == 4
    np.testing.assert_array_equal(turned.images[:3], characters.images)
    for turn in range(4):
        for c in range(3):
            for d in range(4):
                image = characters.images[c, d]
                for _ in range(turn):
                    image = image[:, ::-1].T  # a quarter turn
                np.testing.assert_array_equal(turned.images[turn * 3 + c, d], image)
    assert turned.alphabets[7] == characters.alphabets[1]
    assert turned.names[7] == "character1 turned by 180 degrees"
    assert len(set(zip(turned.alphabets, turned.names, strict=True))) == 12


def test_chosen_and_joined_keep_texts_and_images_together():
    characters = some()
    again = joined(chosen(characters, np.array([2, 0])), chosen(characters, np.array([1])))
    assert again.names == ("character2", "character0", "character1")
    np.testing.assert_array_equal(again.images, characters.images[[2, 0, 1]])
    with pytest.raises(ValueError, match="the same number of drawers, got 4 and 5"):
        joined(characters, some(drawers=5))


def test_a_drawing_in_words():
    assert some().describe(6) == "alphabet1 character1, drawer 3"


def test_what_is_not_a_set_of_characters_is_refused():
    with pytest.raises(ValueError, match=r"images must be \[classes, drawers, 28, 28\]"):
        Characters(np.zeros((2, 3, 27, 28), np.uint8), ("a", "b"), ("c", "d"))
    with pytest.raises(TypeError, match="images must be uint8, got float32"):
        Characters(np.zeros((2, 3, 28, 28), np.float32), ("a", "b"), ("c", "d"))
    with pytest.raises(ValueError, match="names must have one text for each of 2 classes, got 1"):
        Characters(np.zeros((2, 3, 28, 28), np.uint8), ("a", "b"), ("c",))
