"""The loader of Multi-PIE, on files made for the test."""

import numpy as np
import pytest
from PIL import Image

from refmem.storage import FileRefused
from reference_models.tasks.faces import multi_pie
from reference_models.tasks.faces.expressions import EXPRESSIONS

RECORDINGS = ((1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 2))  # one of each expression


def picture(folder, person, session=1, recording=1, camera="051", size=(48, 48), mode="L"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{person:03d}_{session:02d}_{recording:02d}_{camera}_07.png"
    rng = np.random.default_rng([person, session, recording, int(camera)])
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    Image.fromarray(rng.integers(0, 256, shape).astype(np.uint8)).save(path)
    return path


def people(folder, *numbers):
    for person in numbers:
        for session, recording in RECORDINGS:
            for camera in ("140", "051", "050"):
                picture(folder / f"session{session:02d}" / f"{person:03d}", person, session, recording, camera)


def test_a_folder_is_split_by_people(tmp_path):
    people(tmp_path, 1, 2, 5, 9)
    picture(tmp_path, 1, camera="240")  # at 90 degrees: left out
    split = multi_pie.load(tmp_path, test_people=1)
    assert len(set(split.test.people)) == 1 and len(set(split.train.people)) == 3
    assert len(split.train.images) == 3 * 18 and len(split.test.images) == 18
    for side in (split.train, split.test):
        assert set(side.expressions.tolist()) == set(range(6)) and set(side.cameras.tolist()) == {-15, 0, 15}
    assert "Multi-PIE (3/1 people" in split.name
    again, other = multi_pie.load(tmp_path, test_people=1), multi_pie.load(tmp_path, test_people=1, seed=1)
    np.testing.assert_array_equal(again.test.images, split.test.images)
    assert other.test.people[0] != split.test.people[0]


def test_pixels_and_labels_are_those_of_the_file(tmp_path):
    path = picture(tmp_path / "train", 7, 3, 3, "140")
    picture(tmp_path / "test", 8)
    split = multi_pie.load(tmp_path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(split.train.images[0], np.asarray(image))
    assert EXPRESSIONS[split.train.expressions[0]] == "disgust"
    assert (split.train.people[0], split.train.cameras[0]) == (7, -15)


def test_a_person_in_both_subfolders_is_refused(tmp_path):
    people(tmp_path / "train", 1, 2)
    people(tmp_path / "test", 2)
    with pytest.raises(ValueError, match="person 2 is among the faces to learn from and among those to be tested on"):
        multi_pie.load(tmp_path)


@pytest.mark.parametrize(("wrong", "message"), [
    ({"size": (64, 64)}, "must be 48 x 48 pixels, got 64 x 64"),
    ({"mode": "RGB"}, "must be grey, eight bits a pixel, got mode RGB"),
    ({"session": 1, "recording": 3}, "session 1, recording 3, which Multi-PIE does not have"),
])
def test_wrong_pictures_are_refused(tmp_path, wrong, message):
    people(tmp_path, 1, 2)
    picture(tmp_path, 3, **wrong)
    with pytest.raises(FileRefused, match=message):
        multi_pie.load(tmp_path, test_people=1)


def test_a_damaged_picture_is_refused(tmp_path):
    people(tmp_path, 1, 2)
    path = picture(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileRefused, match="damaged"):
        multi_pie.load(tmp_path, test_people=1)


def test_a_folder_that_is_not_multi_pie_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        multi_pie.load(tmp_path / "nowhere")
    (tmp_path / "cat.png").write_bytes(b"")
    with pytest.raises(FileRefused, match="does not hold Multi-PIE: no file in it is called like"):
        multi_pie.load(tmp_path)
    picture(tmp_path, 1, camera="240")
    with pytest.raises(FileRefused, match="no picture from the cameras at -15, 0 and 15 degrees"):
        multi_pie.load(tmp_path)


@pytest.mark.parametrize("kept", [0, 2])
def test_too_few_people_are_refused(tmp_path, kept):
    people(tmp_path, 1, 2)
    with pytest.raises(ValueError, match="test_people must lie between 1 and the 2 people"):
        multi_pie.load(tmp_path, test_people=kept)
