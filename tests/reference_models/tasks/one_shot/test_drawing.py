"""Drawings from image files: whatever the paper, the strokes come out as ink."""

import numpy as np
import pytest
from PIL import Image

from refmem.storage import FileRefused
from reference_models.tasks.one_shot import drawing


def cross(size: int = 105) -> np.ndarray:
    """Ink: a cross in the middle."""
    ink = np.zeros((size, size), np.uint8)
    ink[size // 2 - 3:size // 2 + 3, size // 5:-size // 5] = 255
    ink[size // 5:-size // 5, size // 2 - 3:size // 2 + 3] = 255
    return ink


def saved(tmp_path, image: Image.Image) -> np.ndarray:
    image.save(tmp_path / "drawing.png")
    return drawing.read(tmp_path / "drawing.png")


def test_light_and_dark_paper_modes_and_transparency_give_the_same_ink(tmp_path):
    ink = cross()
    plain = saved(tmp_path, Image.fromarray(255 - ink))
    assert plain.shape == (28, 28) and plain.dtype == np.uint8 and plain.max() > 200 and plain[0, 0] == 0
    for other in (Image.fromarray(ink), Image.fromarray(255 - ink).convert("RGB"),
                  Image.fromarray(255 - ink).convert("1"), Image.fromarray(255 - ink).convert("P"),
                  Image.merge("RGBA", [Image.new("L", (105, 105), 0)] * 3 + [Image.fromarray(ink)]),
                  Image.merge("RGBA", [Image.new("L", (105, 105), 255)] * 3 + [Image.fromarray(ink)])):
        np.testing.assert_allclose(saved(tmp_path, other).astype(int), plain.astype(int), atol=2)


def test_the_reduction_is_that_of_the_data_set(tmp_path):
    """As in the data set: a triangle filter on grey pixels."""
    expected = 255 - np.asarray(Image.fromarray(255 - cross()).resize((28, 28), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(saved(tmp_path, Image.fromarray(255 - cross())).astype(int), expected, atol=1)


def test_a_wide_image_is_padded_not_squeezed(tmp_path):
    ink = np.zeros((50, 100), np.uint8)
    ink[10:40, 35:65] = 255  # a square
    small = saved(tmp_path, Image.fromarray(255 - ink)) > 128
    rows, columns = small.any(axis=1).sum(), small.any(axis=0).sum()
    assert abs(int(rows) - int(columns)) <= 1 and not small[0].any()


def test_an_image_of_one_brightness_is_refused(tmp_path):
    Image.new("L", (30, 30), 130).save(tmp_path / "grey.png")
    with pytest.raises(FileRefused, match="no stroke"):
        drawing.read(tmp_path / "grey.png")


def test_a_huge_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "LARGEST", 100)
    Image.new("L", (30, 30), 130).save(tmp_path / "large.png")
    with pytest.raises(FileRefused, match="more than 100 pixels"):
        drawing.read(tmp_path / "large.png")
