"""Random affine maps: against Pillow's, and against what they must leave alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reference_models.tasks.one_shot.augment import affine, random_affine

UNIT = np.eye(2, dtype=np.float32)


def drawings(batch=4, seed=0, height=28, width=28):
    return np.random.default_rng(seed).random((batch, height, width, 1)).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_agrees_with_pillow(seed):
    rng = np.random.default_rng(seed)
    images = drawings(3, seed, 11, 14)
    maps = rng.normal(0, 0.8, (3, 2, 2)).astype(np.float32)
    offsets = rng.normal(0, 4, (3, 2)).astype(np.float32)
    ours = affine(images, maps, offsets)
    assert ours.dtype == np.float32
    middle = np.array([5.0, 6.5])
    for image, matrix, offset, mapped in zip(images, maps.astype(float), offsets, ours, strict=True):
        # With a rim of 0 around the drawing Pillow fades out at its border, as we do. It says (column, row), and the
        # middle of its first pixel is (0.5, 0.5).
        wide = Image.fromarray(np.pad(image[..., 0], 3))
        row, column = middle - offset + 3.5 - matrix @ (middle + 0.5)
        (down, across), (slant, right) = matrix
        expected = wide.transform((14, 11), Image.Transform.AFFINE, (right, slant, column, across, down, row),
                                  Image.Resampling.BILINEAR)
        np.testing.assert_allclose(mapped[..., 0], expected, atol=2e-5)


def test_the_identity_changes_nothing_and_a_shift_moves():
    images = drawings()
    before = images.copy()
    same = affine(images, np.tile(UNIT, (4, 1, 1)), np.zeros((4, 2), np.float32))
    np.testing.assert_array_equal(same, images)
    moved = affine(images, np.tile(UNIT, (4, 1, 1)), np.tile(np.float32([2, -1]), (4, 1)))
    np.testing.assert_array_equal(moved[:, 2:, :-1], images[:, :-2, 1:])
    assert (moved[:, :2] == 0).all() and (moved[:, :, -1] == 0).all()
    np.testing.assert_array_equal(images, before)


def test_a_quarter_turn_is_exact():
    images = drawings()
    quarter = np.float32([[0, -1], [1, 0]])
    turned = affine(images, np.tile(quarter, (4, 1, 1)), np.zeros((4, 2), np.float32))
    np.testing.assert_allclose(turned, np.rot90(images, 1, axes=(2, 1)), atol=1e-5)


def test_bounds_of_zero_change_nothing():
    images = drawings()
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(random_affine(images, rng, rotation=0, scale=0, shear=0, shift=0), images)


@pytest.mark.parametrize("bound", ["rotation", "scale", "shear", "shift"])
def test_each_bound_acts_and_keeps_within_itself(bound):
    others = {name: 0.0 for name in ("rotation", "scale", "shear", "shift")}
    most = {"rotation": 0.17, "scale": 0.13, "shear": 0.15, "shift": 2.0}[bound]
    # a bar of 1 from top to bottom, and where its ends go
    image = np.zeros((400, 28, 28, 1), np.float32)
    image[:, 4:24, 13:15] = 1
    mapped = random_affine(image, np.random.default_rng(0), **{**others, bound: most})[..., 0]
    assert not np.allclose(mapped, image[..., 0])
    rows, columns = np.arange(28.0) - 13.5, np.arange(28.0) - 13.5
    weight = mapped.sum(axis=(1, 2))
    height = np.sqrt(12 * np.einsum("bhw,h->b", mapped, rows**2) / weight)  # [B] of an upright bar
    if bound == "scale":
        assert 20 * 0.86 < height.min() < 20 * 0.90 and 20 * 1.10 < height.max() < 20 * 1.14
    elif bound == "shift":
        middle = np.einsum("bhw,h->b", mapped, rows) / weight
        assert -2.01 < middle.min() < -1.8 and 1.8 < middle.max() < 2.01
    else:
        tilt = np.einsum("bhw,h,w->b", mapped, rows, columns) / np.einsum("bhw,h->b", mapped, rows**2)
        largest = np.tan(0.17) if bound == "rotation" else 0.15
        if bound == "shear":  # columns follow rows
            assert abs(tilt).max() < largest + 0.02
        assert tilt.min() < -0.8 * largest and tilt.max() > 0.8 * largest


def test_the_generator_decides():
    images = drawings()
    one, same, other = (random_affine(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_is_not_a_batch_of_drawings_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"images must be \[B, H, W, 1\], got shape \(4, 28, 28\)"):
        random_affine(drawings()[..., 0], rng)
    with pytest.raises(TypeError, match="images must be float32, got float64"):
        random_affine(drawings().astype(float), rng)
    with pytest.raises(ValueError, match="scale must be at least 0 and below 1, got 1"):
        random_affine(drawings(), rng, scale=1)


def test_turned_and_slanted_at_once_an_area_stays_what_it_is():
    """det(rotation @ shear) = 1: the ink of a soft blob is neither more nor less."""
    away = np.arange(28.0) - 13.5
    blob = np.exp(-(away[:, None]**2 + away**2) / 18).astype(np.float32)
    images = np.tile(blob[None, ..., None], (200, 1, 1, 1))
    mapped = random_affine(images, np.random.default_rng(0), rotation=0.6, shear=0.6, scale=0, shift=0)
    np.testing.assert_allclose(mapped.sum(axis=(1, 2, 3)) / blob.sum(), 1, atol=0.01)
