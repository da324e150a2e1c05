"""Omniglot: both layouts, the cache, the splits, bad input; the real data where it is at hand."""

import io
import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from refmem.storage import FileRefused
from reference_models.tasks.one_shot import omniglot, omniglot_files
from reference_models.tasks.one_shot.characters import Characters
from support import data, tiny_omniglot


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    return tiny_omniglot.as_zips(tmp_path_factory.mktemp("zips"))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "refmem"


def test_zips_and_folders_hold_the_same(zips, tmp_path):
    one = omniglot.read(zips, cache=tmp_path / "cache")
    folders = tiny_omniglot.as_folders(tmp_path / "folders")
    other = omniglot.read(folders, cache=tmp_path / "cache")
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.images, b.images)
        assert (a.alphabets, a.names) == (b.alphabets, b.names)
    background, evaluation = one
    assert background.alphabets == ("Greek", "Latin", "Latin")
    assert background.names == ("character01", "character01", "character02")
    assert background.images.shape == (3, 20, 28, 28) and evaluation.images.shape == (2, 20, 28, 28)


@pytest.mark.parametrize("nested", ["omniglot", "python", "omniglot/python"])
def test_the_halves_are_found_in_nested_folders(zips, tmp_path, nested):
    place = tmp_path / nested
    place.mkdir(parents=True)
    for half in omniglot_files.HALVES:
        shutil.copy(zips / f"{half}.zip", place)
    assert omniglot_files.find(tmp_path, "images_evaluation") == place / "images_evaluation.zip"


def test_what_an_archiver_left_behind_is_no_drawing(zips, tmp_path):
    path = tmp_path / "images_evaluation.zip"
    shutil.copy(zips / path.name, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/images_evaluation/Runes/character01/._0000_01.png", b"finder")
        archive.writestr("__MACOSX/images_evaluation/Runes/character01/0000_01.png", b"finder")
        archive.writestr("images_evaluation/Runes/character01/.DS_Store", b"finder")
    np.testing.assert_array_equal(omniglot.decode(path).images, omniglot.decode(zips / path.name).images)


def test_reduction_is_antialiased_and_inverted(zips):
    """Against the triangle filter by its definition: weights falling to 0 at one output pixel's distance."""
    half = zips / "images_evaluation.zip"
    decoded = omniglot.decode(half)
    first = next(iter(omniglot_files.drawings(half).values()))[0]
    ink = 1.0 - np.asarray(Image.open(io.BytesIO(first.read())).convert("L")) / 255.0  # [105, 105]
    step = 105 / 28
    middles, pixels = (np.arange(28) + 0.5) * step, np.arange(105) + 0.5
    weights = np.maximum(0, 1 - abs(middles[:, None] - pixels) / step)  # [28, 105]
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(decoded.images[0, 0], 255 * (weights @ ink @ weights.T), atol=2)


def test_rotations_are_switches(zips, tmp_path):
    plain = omniglot.load(zips, rotate_train=False, cache=tmp_path)
    both = omniglot.load(zips, rotate_test=True, cache=tmp_path)
    usual = omniglot.load(zips, cache=tmp_path)
    assert [part.classes for part in (plain.train, plain.test)] == [3, 2]
    assert [part.classes for part in (usual.train, usual.test)] == [12, 2]
    assert [part.classes for part in (both.train, both.test)] == [12, 8]
    assert usual.name == "omniglot, background split (3/2)"


# --- Splits ---------------------------------------------------------------------------------------------------


def numbered(first, classes):
    """Characters whose first pixels tell which they are."""
    images = np.zeros((classes, 1, 28, 28), np.uint8)
    number = np.arange(first, first + classes)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = number // 256, number % 256
    return Characters(images, ("a",) * classes, tuple(map(str, number)))


def test_the_papers_split_takes_every_character_once_from_both_halves():
    train, test = omniglot.paper_split(numbered(0, 964), numbered(964, 659))
    assert (train.classes, test.classes) == (1200, 423)
    who = [[int(n) for n in part.names] for part in (train, test)]
    assert sorted(who[0] + who[1]) == list(range(1623))
    assert 200 < sum(n < 964 for n in who[1]) < 300  # of 423, 251 expected
    for part, names in zip((train, test), who, strict=True):
        np.testing.assert_array_equal(part.images[:, 0, 0, 0].astype(int) * 256 + part.images[:, 0, 0, 1], names)
    again, _ = omniglot.paper_split(numbered(0, 964), numbered(964, 659))
    assert again.names == train.names
    assert who[1][:5] == [4, 7, 13, 14, 15]  # the seed is part of every figure reported


def test_the_papers_split_of_too_little_is_refused(zips, tmp_path):
    with pytest.raises(ValueError, match="the paper's split needs more than 1200 characters, found 5"):
        omniglot.load(zips, split="paper", cache=tmp_path)
    with pytest.raises(ValueError, match="split must be one of background, paper, got 'half'"):
        omniglot.load(zips, split="half", cache=tmp_path)


# --- The cache --------------------------------------------------------------------------------------------------


def counting(monkeypatch):
    decoded = []
    decode = omniglot.decode
    monkeypatch.setattr(omniglot, "decode", lambda half: decoded.append(half.name) or decode(half))
    return decoded


def test_a_second_reading_comes_from_the_cache_beside_the_data(tmp_path, monkeypatch, own_cache):
    folder = tiny_omniglot.as_zips(tmp_path / "data")
    decoded = counting(monkeypatch)
    first = omniglot.read(folder)
    second = omniglot.read(folder)
    assert len(decoded) == 2
    assert len(list(folder.glob("omniglot-28-*.npz"))) == 1 and not own_cache.exists()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.images, b.images)
        assert (a.alphabets, a.names) == (b.alphabets, b.names)


def test_data_that_cannot_be_written_to_is_cached_at_home(tmp_path, monkeypatch, own_cache):
    folder = tiny_omniglot.as_zips(tmp_path / "data")
    decoded = counting(monkeypatch)
    save = omniglot.storage.save

    def refusing(path, *rest):
        if path.parent == folder:
            raise PermissionError(13, "Permission denied", str(path))
        save(path, *rest)

    monkeypatch.setattr(omniglot.storage, "save", refusing)
    omniglot.read(folder)
    omniglot.read(folder)
    assert len(decoded) == 2 and len(list(own_cache.glob("*.npz"))) == 1

    shutil.rmtree(own_cache)
    own_cache.write_bytes(b"a file where the folder should be")
    omniglot.read(folder)  # nowhere to keep it, and no error
    assert len(decoded) == 4


@pytest.mark.parametrize("layout", ["zips", "folders"])
def test_a_stale_or_damaged_cache_is_made_anew(tmp_path, monkeypatch, layout):
    folder = tmp_path / "data"
    (tiny_omniglot.as_zips if layout == "zips" else tiny_omniglot.as_folders)(folder)
    decoded = counting(monkeypatch)
    before, _ = omniglot.read(folder, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:-100])
    omniglot.read(folder, cache=tmp_path / "cache")
    assert len(decoded) == 4

    if layout == "zips":
        tiny_omniglot.as_zips(folder, images_background={"Latin": 2})
    else:
        changed = folder / "images_background/Latin/character01/0000_01.png"
        changed.write_bytes(tiny_omniglot.png(99))
        os.utime(changed, (1, 1))
    after, _ = omniglot.read(folder, cache=tmp_path / "cache")
    assert len(decoded) == 6
    assert not np.array_equal(after.images, before.images)


def test_a_cache_of_other_data_under_this_name_is_not_taken(tmp_path, monkeypatch):
    folder, other = tiny_omniglot.as_zips(tmp_path / "a"), tiny_omniglot.as_zips(tmp_path / "b", images_background={
        "Latin": 2})
    decoded = counting(monkeypatch)
    for data_folder in (folder, other):
        omniglot.read(data_folder)
    (kept,), (of_other,) = folder.glob("*.npz"), other.glob("*.npz")
    of_other.replace(kept)
    background, _ = omniglot.read(folder)
    assert len(decoded) == 6 and background.classes == 3


# --- Bad input ----------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_or_not_omniglot(tmp_path, zips):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        omniglot.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"is not Omniglot: it has neither images_background\.zip nor"):
        omniglot.load(tmp_path)
    shutil.copy(zips / "images_background.zip", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"neither images_evaluation\.zip nor"):
        omniglot.load(tmp_path)
    (tmp_path / "images_evaluation" / "holiday").mkdir(parents=True)
    (tmp_path / "images_evaluation" / "holiday" / "beach.png").write_bytes(tiny_omniglot.png(0))
    with pytest.raises(FileNotFoundError, match="images_evaluation is not Omniglot: it has no "
                                                "images_evaluation/ALPHABET/characterNN/ID_NN.png"):
        omniglot.load(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "not a zip", "flipped"])
def test_a_damaged_zip(tmp_path, damage):
    folder = tiny_omniglot.as_zips(tmp_path)
    path = folder / "images_evaluation.zip"
    whole = path.read_bytes()
    if damage == "flipped":  # in the middle of a drawing
        at = len(whole) // 3
        path.write_bytes(whole[:at] + bytes(255 - b for b in whole[at:at + 50]) + whole[at + 50:])
    else:
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"hello")
    with pytest.raises(FileRefused, match=r"images_evaluation\.zip is damaged"):
        omniglot.load(folder)
    assert not list(folder.glob("*.npz"))


@pytest.mark.parametrize("content", [b"", b"not a picture", tiny_omniglot.png(0)[:90],
                                     tiny_omniglot.png(0, (105, 60))])
def test_a_damaged_drawing_is_named(tmp_path, content):
    folder = tiny_omniglot.as_folders(tmp_path)
    (folder / "images_background/Latin/character02/0001_07.png").write_bytes(content)
    with pytest.raises(FileRefused, match=r"images_background is damaged: Latin/character02/0001_07 cannot be"):
        omniglot.load(folder)


def test_a_class_with_too_few_drawings_is_named(tmp_path):
    folder = tiny_omniglot.as_folders(tmp_path)
    (folder / "images_background/Latin/character02/0001_07.png").unlink()
    with pytest.raises(FileRefused, match="images_background has 19 drawings of Latin/character02; every "):
        omniglot.load(folder)


# --- The real data ------------------------------------------------------------------------------------------------


def test_real_omniglot_has_all_its_characters_and_decodes(tmp_path):
    folder = data.folder("omniglot")
    found = {half: omniglot_files.drawings(omniglot_files.find(folder, half)) for half in omniglot_files.HALVES}
    assert [len(classes) for classes in found.values()] == [964, 659]
    assert [len({alphabet for alphabet, _ in classes}) for classes in found.values()] == [30, 20]
    half = tmp_path / "images_evaluation"
    for (alphabet, character), drawings in list(found["images_evaluation"].items())[:4]:
        (half / alphabet / character).mkdir(parents=True)
        for drawing in drawings:
            (half / alphabet / character / f"{drawing.name}.png").write_bytes(drawing.read())
    some = omniglot.decode(half)
    assert some.describe(20) == "Angelic character02, drawer 1"
    ink = some.images.mean(axis=(2, 3)) / 255
    assert 0.02 < ink.min() and ink.max() < 0.25  # strokes on an empty page
