"""Fuzz targets of the models: checkpoints, drawings, digits, texts, and the files of a sweep."""

import gzip
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hardening.formats import Check, reader
from reference_models.cli.sweep import job, points
from reference_models.tasks.glimpses import mnist
from reference_models.tasks.one_shot import omniglot_files
from reference_models.tasks.translation import parallel_text, vocabulary
from reference_models.training import adam, checkpoint
from reference_models.training.checkpoint import Checkpoint
from reference_models.training.schedule import Counters
from refmem.storage import FileRefused
from support import tiny_omniglot


def training_checkpoint(folder: Path) -> tuple[bytes, Check]:
    """A checkpoint of a training run."""
    path = folder / "checkpoint.npz"
    params = {"w": np.arange(6.0).reshape(2, 3)}
    saved = Checkpoint("sums", {"seed": 5}, params, adam.start(params),
                       np.random.default_rng(0).bit_generator.state, Counters(3, 4, 5.0))
    checkpoint.save(path, saved)

    def holds(loaded: Any) -> None:
        np.testing.assert_array_equal(loaded.params["w"], params["w"])
        assert (loaded.counters, loaded.settings, loaded.rng) == (saved.counters, saved.settings, saved.rng)

    return path.read_bytes(), reader(path, lambda: checkpoint.load(path, "sums"), holds)


def drawings(folder: Path) -> tuple[bytes, Check]:
    """A drawing in a folder of PNG files."""
    half = tiny_omniglot.as_folders(folder) / "images_evaluation"
    path = sorted(half.glob("*/*/*.png"))[0]
    whole = omniglot_files.drawings(half)["Runes", "character01"][0].image().tobytes()

    def holds(image: Any) -> None:
        assert image.tobytes() == whole

    return path.read_bytes(), reader(
        path, lambda: omniglot_files.drawings(half)["Runes", "character01"][0].image(), holds)


def archive(folder: Path) -> tuple[bytes, Check]:
    """A zip of drawings."""
    half = folder / "images_evaluation.zip"
    with zipfile.ZipFile(half, "w") as file:
        for number in range(20):
            file.writestr(f"images_evaluation/Runes/character01/0101_{number + 1:02d}.png",
                          tiny_omniglot.png(number, (9, 9)))
    whole = [drawing.image().tobytes() for drawing in omniglot_files.drawings(half)["Runes", "character01"]]

    def check(data: bytes) -> bool:
        half.write_bytes(data)
        try:
            found = omniglot_files.drawings(half)
            images = [drawing.image().tobytes() for drawing in found["Runes", "character01"]]
        except (FileRefused, FileNotFoundError, KeyError):  # of another name: another character
            return False
        assert images == whole
        return True

    return half.read_bytes(), check


def idx_packed(folder: Path) -> tuple[bytes, Check]:
    """Images of MNIST as they are distributed: gzip keeps a sum of what it packs."""
    path, images = folder / "train-images-idx3-ubyte.gz", _images()

    def holds(found: Any) -> None:
        np.testing.assert_array_equal(found, images)

    return gzip.compress(_idx(mnist.IMAGES, images)), reader(path, lambda: mnist.images_of(path), holds)


def idx(folder: Path) -> tuple[bytes, Check]:
    """Images that are not packed: of a pixel nobody can tell, but all of them are there, and nothing else."""
    path, images = folder / "train-images-idx3-ubyte", _images()

    def holds(found: Any) -> None:
        data = path.read_bytes()
        assert found.shape == (int.from_bytes(data[4:8], "big"), 28, 28) and found.tobytes() == data[16:]

    return _idx(mnist.IMAGES, images), reader(path, lambda: mnist.images_of(path), holds)


def idx_labels(folder: Path) -> tuple[bytes, Check]:
    """Labels that are not packed: each is a digit, whatever else happened."""
    path = folder / "train-labels-idx1-ubyte"

    def holds(found: Any) -> None:
        assert len(found) == int.from_bytes(path.read_bytes()[4:8], "big") and set(found.tolist()) <= set(range(10))

    return _idx(mnist.LABELS, np.arange(40, dtype=np.uint8) % 10), reader(path, lambda: mnist.labels_of(path), holds)


def _images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


def _idx(kind: int, array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", kind, *array.shape) + array.tobytes()


def parallel_lines(folder: Path) -> tuple[bytes, Check]:
    """One side of a parallel text, packed; the other side has as many lines."""
    lines = [f"a man number {n} says Füße" for n in range(30)]
    (folder / "train.de").write_text("\n".join(lines) + "\n")
    path = folder / "train.en.gz"

    def holds(found: Any) -> None:
        assert found.source == lines

    return gzip.compress(("\n".join(lines) + "\n").encode()), reader(
        path, lambda: parallel_text.load(folder, "train", "en", "de"), holds)


def words(folder: Path) -> tuple[bytes, Check]:
    """A vocabulary of words: a text, whose lines stay what they are, each once."""
    path = folder / "source.txt"
    whole = vocabulary.Words([f"word{n}" for n in range(40)]).to_bytes()

    def holds(found: Any) -> None:
        assert isinstance(found, vocabulary.Words) and len(set(found.words)) == len(found)
        assert all(word.strip() for word in found.words)

    return whole, reader(path, lambda: vocabulary.load(path), holds)


def grid(folder: Path) -> tuple[bytes, Check]:
    """The TOML file of a sweep."""
    path = folder / "sweep.toml"
    whole = b'command = "recall"\n[fixed]\ntimes = 2\nmemory = true\n[grid]\nseed = [1, 2]\nname = ["a", "b"]\n'

    def holds(found: Any) -> None:
        assert found.points and len({point.id for point in found.points}) == len(found.points)
        for point in found.points:
            assert point.arguments[0] == found.command and all(isinstance(word, str) for word in point.arguments)

    return whole, reader(path, lambda: points.load(path), holds, refused=ValueError)


def sweep_results(folder: Path) -> tuple[bytes, Check]:
    """The results of a sweep: JSON lines. A last one that was cut off is removed, all others are read or refused."""
    path = folder / job.RESULTS
    rows = [{"id": f"{n:012d}", "point": {"seed": n}, "arguments": ["x"], "result": {"a": n}, "error": None}
            for n in range(8)]

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            with job.Folder(folder) as found:
                done = dict(found.done)
        except ValueError:
            return False
        assert all(row.keys() == rows[0].keys() and isinstance(name, str) for name, row in done.items())
        return True

    return b"".join(json.dumps(row).encode() + b"\n" for row in rows), check


TARGETS = {target.__name__: target for target in (
    training_checkpoint, drawings, archive, idx_packed, idx, idx_labels, parallel_lines, words, grid,
    sweep_results)}
