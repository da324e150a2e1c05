"""Glimpses: the right pixels in the right order, with place and signal."""

import numpy as np
import pytest

from reference_models.tasks.glimpses.order import EXTRAS, ORDERS, OVERVIEW, RETURN, Order, glimpses


def image():
    return np.arange(28 * 28, dtype=np.float32).reshape(1, 28, 28) / 784


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_24_glimpses_see_every_pixel_and_the_last_one_stores(order):
    seen = glimpses(image(), order)[0]
    assert seen.shape == (24, 53)
    fine = [glimpse[:-EXTRAS] for glimpse, (_, part) in zip(seen, order.glimpses, strict=True) if part is not None]
    assert sorted(np.concatenate(fine).tolist()) == sorted(image().reshape(-1).tolist())
    np.testing.assert_array_equal(np.flatnonzero(seen[:, -1]) + 1, np.cumsum(order.stretches))


def test_a_glimpse_is_what_it_says():
    seen = glimpses(image(), RETURN)[0]
    x = image()[0]
    np.testing.assert_array_equal(seen[2, :-EXTRAS].reshape(7, 7), x[:7, 7:14])  # quadrant 0, its part 1
    coarse = x[14:, :14].reshape(7, 2, 7, 2).mean(axis=(1, 3))  # quadrant 2
    np.testing.assert_allclose(seen[12, :-EXTRAS].reshape(7, 7), coarse, rtol=1e-6)
    np.testing.assert_array_equal(seen[12], seen[17] - np.eye(53, dtype=np.float32)[-1])  # again, with the signal
    assert seen[2, -EXTRAS:].tolist() == [-0.25, -0.75, 0, 0] and seen[12, -EXTRAS:].tolist() == [-0.5, 0.5, 1, 0]


def test_bytes_are_scaled_and_other_sizes_refused():
    whole = np.full((2, 28, 28), 255, np.uint8)
    assert (glimpses(whole, OVERVIEW)[:, :, :-EXTRAS] == 1).all()
    with pytest.raises(ValueError, match=r"images must have shape \[B, 28, 28\], got \(2, 32, 32\)"):
        glimpses(np.zeros((2, 32, 32)))
    with pytest.raises(ValueError, match="do not add up to 24"):
        Order("short", RETURN.glimpses, (6, 6))
