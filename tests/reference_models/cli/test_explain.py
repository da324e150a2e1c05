"""The command `explain`: an answer and the stored drawings it rests on, or a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import small_run

from reference_models.cli import explain, pictures
from reference_models.cli.main import main
from reference_models.cli.omniglot.trained import Trained

HAVE_PICTURES = pictures.available


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with a finished run and one that has not ended."""
    with pytest.MonkeyPatch.context() as patch:
        small_run.shrink(patch.setattr, patch.setitem)
        patch.setattr(pictures, "available", lambda: False)
        folder = tmp_path_factory.mktemp("runs")
        assert main(["omniglot", "--episodes", "2", "--test-episodes", "2", "--shots", "1", "--ways", "3", "--out",
                     str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    small_run.shrink(monkeypatch.setattr, monkeypatch.setitem)
    monkeypatch.chdir(tmp_path)


def write(path: str, ink: np.ndarray) -> str:
    Image.fromarray(255 - ink).save(path)
    return path


@pytest.mark.parametrize("label", [0, 4])
def test_a_stored_drawing_is_its_own_nearest_evidence(label, run, capsys):
    image = write("drawing.png", small_run.small_glyphs().test.images[label, 0])
    capsys.readouterr()
    assert main(["explain", str(run), image, "--json", "--top", "3"]) == 0
    said = json.loads(capsys.readouterr().out)
    expected = name_of(label)
    assert said["answer"] == expected and said["evidence"][0]["stored"] == expected
    assert said["evidence"][0]["source"] == label and said["evidence"][0]["cosine"] == pytest.approx(1, abs=1e-5)
    assert len(said["evidence"]) == 3
    cosines = [e["cosine"] for e in said["evidence"]]
    assert cosines == sorted(cosines, reverse=True)


def test_it_shows_the_drawings_as_text(run, capsys):
    drawing = small_run.small_glyphs().test.images[2, 0]
    assert main(["explain", str(run / "checkpoint.npz"), write("two.png", drawing), "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert f"Taken for {name_of(2)}:" in out
    darkest = max(explain.in_blocks(drawing).splitlines(), key=lambda line: len(line.strip()))
    assert sum(darkest in line for line in out.splitlines()) >= 2  # asked, and stored


def test_the_memory_holds_every_unseen_class_once(run):
    trained = Trained.load(run)
    test = small_run.small_glyphs().test
    assert sorted(trained.memory.state.values.tolist()) == list(range(test.classes)) == sorted(
        trained.memory.state.sources.tolist())
    np.testing.assert_array_equal(trained.drawings, test.images[:, 0])


def test_a_picture_is_written_where_matplotlib_is(run, capsys):
    pytest.importorskip("matplotlib")
    image = write("one.png", small_run.small_glyphs().test.images[1, 3])
    assert main(["explain", str(run), image, "--picture", "why.png"]) == 0
    with Image.open("why.png") as picture:
        assert picture.width > 300


def test_blocks_are_two_pixels_high():
    ink = np.zeros((28, 28), np.uint8)
    ink[0, 0] = ink[1, 1] = 255
    ink[:2, 2] = 255
    assert explain.in_blocks(ink).splitlines()[0] == "▀▄█" + 25 * " " and len(explain.in_blocks(ink).splitlines()) == 14


def name_of(label: int) -> str:
    test = small_run.small_glyphs().test
    return f"{test.alphabets[label]} {test.names[label]}"


# --- What it refuses ------------------------------------------------------------------------------------------------


def refused(capsys, *arguments: object) -> str:
    capsys.readouterr()
    assert main(["explain", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1
    return captured.err


def test_files_that_are_not_there(run, capsys):
    assert "No such file" in refused(capsys, "nowhere.npz", "x.png")
    assert "x.png: No such file" in refused(capsys, run, "x.png")


def test_files_that_are_not_what_they_should_be(run, capsys):
    Path("notes.png").write_text("not a picture")
    assert "not an image" in refused(capsys, run, "notes.png")
    assert "damaged or not a file of refmem" in refused(capsys, "notes.png", "notes.png")


def test_an_image_without_a_stroke(run, capsys):
    assert "shows no stroke" in refused(capsys, run, write("blank.png", np.zeros((40, 40), np.uint8)))


def test_a_truncated_image(run, capsys):
    whole = Path(write("whole.png", small_run.small_glyphs().test.images[1, 3])).read_bytes()
    Path("part.png").write_bytes(whole[:-60])
    assert "part.png is damaged" in refused(capsys, run, "part.png")


def test_a_run_that_has_not_ended(run, capsys):
    from reference_models.training import checkpoint

    saved = checkpoint.load(run / "checkpoint.npz", "omniglot")
    saved.extras, saved.notes = {}, {}
    checkpoint.save("early.npz", saved)
    image = write("one.png", small_run.small_glyphs().test.images[1, 3])
    assert "has not ended" in refused(capsys, "early.npz", image)


def test_a_picture_without_matplotlib(run, capsys, monkeypatch):
    monkeypatch.setattr(pictures, "available", lambda: False)
    image = write("one.png", small_run.small_glyphs().test.images[1, 3])
    assert "matplotlib" in refused(capsys, run, image, "--picture", "why.png")
