"""Fuzz targets: for each format that is read, whole files to start from, and what must be true of a broken one.

`target(folder)` returns `(whole, check)`. `check(broken)` reads bytes that were `whole` once, and returns whether they
were accepted. It lets nothing out but an AssertionError: any exception that is not the format's refusal is a crash, and
what is accepted and yet is not what was saved is a silent acceptance.
"""

import gzip
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reference_models.cli.sweep import job, points
from reference_models.tasks import mnist, omniglot_files, parallel_text, vocabulary
from reference_models.training import adam, checkpoint
from reference_models.training.checkpoint import Checkpoint
from reference_models.training.schedule import Counters
from refmem.conformance import case, deviations
from refmem.conformance.adapters.protocol import ProtocolError, decoded, encoded_task
from refmem.conformance.adapters.runner import Runner
from refmem.memory import Memory
from refmem.storage import FileRefused
from support import tiny_omniglot

Check = Callable[[bytes], bool]

TOKENS = (b"null", b"-1", b"1e999", b"NaN", b"[]", b"{}", b'""', b"true", b"99999999999999999999", b"0", b"[[", b"\xff",
          b"\n", b'"', b"=", b"\0")
"""What text formats stumble over."""


def broken(rng: np.random.Generator, whole: bytes) -> bytes:
    """One to three accidents: cut off, flipped, overwritten, inserted, removed, repeated, or a token in between."""
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(data) + 1))
        span = int(min(len(data) - at, 2 ** rng.integers(0, 10)))
        match rng.integers(0, 7):
            case 0:
                del data[at:]
            case 1 if at < len(data):
                data[at] ^= 1 << rng.integers(0, 8)
            case 2:
                data[at:at + span] = rng.bytes(span)
            case 3:
                data[at:at] = rng.bytes(span)
            case 4:
                del data[at:at + span]
            case 5:
                data[at:at] = data[at:at + span]
            case _:
                token = TOKENS[rng.integers(len(TOKENS))]
                data[at:at + int(rng.integers(0, 8))] = token
    return bytes(data)


def training_checkpoint(folder: Path) -> tuple[bytes, Check]:
    """A checkpoint of a training run."""
    path = folder / "checkpoint.npz"
    params = {"w": np.arange(6.0).reshape(2, 3)}
    saved = Checkpoint("sums", {"seed": 5}, params, adam.start(params),
                       np.random.default_rng(0).bit_generator.state, Counters(3, 4, 5.0))
    checkpoint.save(path, saved)

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            loaded = checkpoint.load(path, "sums")
        except FileRefused:
            return False
        np.testing.assert_array_equal(loaded.params["w"], params["w"])
        assert (loaded.counters, loaded.settings, loaded.rng) == (saved.counters, saved.settings, saved.rng)
        return True

    return path.read_bytes(), check


def memory(folder: Path) -> tuple[bytes, Check]:
    """A memory that was saved."""
    path = folder / "memory.npz"
    whole = Memory(3, 4)
    whole.forward(np.eye(3), labels=np.arange(3))
    whole.save(path)

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            loaded = Memory.load(path)
        except FileRefused:
            return False
        for name, array in whole.state.arrays().items():
            np.testing.assert_array_equal(loaded.state.arrays()[name], array)
        assert loaded.profile == whole.profile
        return True

    return path.read_bytes(), check


def vector(folder: Path) -> tuple[bytes, Check]:
    """The arrays of a conformance vector."""
    manifest, original = _vector(folder)
    arrays = manifest.with_suffix(".npz")

    def check(data: bytes) -> bool:
        arrays.write_bytes(data)
        try:
            loaded = case.load(manifest)
        except FileRefused:
            return False
        assert repr(loaded) == repr(original)
        return True

    return arrays.read_bytes(), check


def vector_manifest(folder: Path) -> tuple[bytes, Check]:
    """The manifest of a conformance vector. It is no secret text: what still is one is a case, whatever it says."""
    manifest, original = _vector(folder)

    def check(data: bytes) -> bool:
        manifest.write_bytes(data)
        try:
            assert isinstance(case.load(manifest), type(original))
        except FileRefused:
            return False
        return True

    return manifest.read_bytes(), check


def _vector(folder: Path) -> tuple[Path, case.Case]:
    source = case.paths()[0]
    for suffix in (".json", ".npz"):
        (folder / source.with_suffix(suffix).name).write_bytes(source.with_suffix(suffix).read_bytes())
    return folder / source.name, case.load(folder / source.name)


def drawings(folder: Path) -> tuple[bytes, Check]:
    """A drawing in a folder of PNG files."""
    half = tiny_omniglot.as_folders(folder) / "images_evaluation"
    path = sorted(half.glob("*/*/*.png"))[0]
    whole = omniglot_files.drawings(half)["Runes", "character01"][0].image().tobytes()

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            image = omniglot_files.drawings(half)["Runes", "character01"][0].image()
        except FileRefused:
            return False
        assert image.tobytes() == whole
        return True

    return path.read_bytes(), check


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

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = mnist.images_of(path)
        except FileRefused:
            return False
        np.testing.assert_array_equal(found, images)
        return True

    return gzip.compress(_idx(mnist.IMAGES, images)), check


def idx(folder: Path) -> tuple[bytes, Check]:
    """Images that are not packed: of a pixel nobody can tell, but all of them are there, and nothing else."""
    path, images = folder / "train-images-idx3-ubyte", _images()

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = mnist.images_of(path)
        except FileRefused:
            return False
        assert found.shape == (int.from_bytes(data[4:8], "big"), 28, 28) and found.tobytes() == data[16:]
        return True

    return _idx(mnist.IMAGES, images), check


def idx_labels(folder: Path) -> tuple[bytes, Check]:
    """Labels that are not packed: each is a digit, whatever else happened."""
    path = folder / "train-labels-idx1-ubyte"

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = mnist.labels_of(path)
        except FileRefused:
            return False
        assert len(found) == int.from_bytes(data[4:8], "big") and set(found.tolist()) <= set(range(10))
        return True

    return _idx(mnist.LABELS, np.arange(40, dtype=np.uint8) % 10), check


def _images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


def _idx(kind: int, array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", kind, *array.shape) + array.tobytes()


def parallel_lines(folder: Path) -> tuple[bytes, Check]:
    """One side of a parallel text, packed; the other side has as many lines."""
    lines = [f"a man number {n} says Füße" for n in range(30)]
    (folder / "train.de").write_text("\n".join(lines) + "\n")
    path = folder / "train.en.gz"

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = parallel_text.load(folder, "train", "en", "de")
        except FileRefused:
            return False
        assert found.source == lines
        return True

    return gzip.compress(("\n".join(lines) + "\n").encode()), check


def words(folder: Path) -> tuple[bytes, Check]:
    """A vocabulary of words: a text, whose lines stay what they are, each once."""
    path = folder / "source.txt"
    whole = vocabulary.Words([f"word{n}" for n in range(40)]).to_bytes()

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = vocabulary.load(path)
        except FileRefused:
            return False
        assert isinstance(found, vocabulary.Words) and len(set(found.words)) == len(found)
        assert all(word.strip() for word in found.words)
        return True

    return whole, check


def grid(folder: Path) -> tuple[bytes, Check]:
    """The TOML file of a sweep."""
    path = folder / "sweep.toml"
    whole = b'command = "recall"\n[fixed]\ntimes = 2\nmemory = true\n[grid]\nseed = [1, 2]\nname = ["a", "b"]\n'

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = points.load(path)
        except ValueError:
            return False
        assert found.points and len({point.id for point in found.points}) == len(found.points)
        for point in found.points:
            assert point.arguments[0] == found.command and all(isinstance(word, str) for word in point.arguments)
        return True

    return whole, check


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


def deviations_file(folder: Path) -> tuple[bytes, Check]:
    """A deviations file."""
    path = folder / "deviations.toml"
    whole = b'[[deviation]]\ncase = "memory/*"\nstatus = "xfail"\nreason = "ties"\nissue = "https://x"\n' * 2

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            loaded = deviations.load(path)
        except ValueError:
            return False
        for entry in loaded.entries:
            assert all(isinstance(text, str) for text in (entry.case, entry.status, entry.reason, entry.issue))
            assert entry.case.strip() and entry.reason.strip() and entry.status in ("xfail", "skip")
        return True

    return whole, check


class Replayed(Runner):
    """A runner whose replies are given."""

    def __init__(self) -> None:
        super().__init__("nothing", 1.0)
        self.reply = b""

    def ask(self, request):
        """What `Runner.ask` makes of a line."""
        try:
            reply = json.loads(self.reply.decode("utf-8", "replace"))
        except ValueError:
            reply = None
        if not isinstance(reply, dict):
            raise ProtocolError("rubbish")
        return reply


def protocol(folder: Path) -> tuple[bytes, Check]:
    """A reply of a runner: JSON lines."""
    task = case.load(case.paths()[0])
    step = {name: value for name, value in encoded_task(task)["steps"][0].items() if value is not None}
    runner = Replayed()

    def check(data: bytes) -> bool:
        runner.reply = data
        try:
            steps = runner.run(task)
        except ProtocolError:
            return False
        except RuntimeError as error:  # what the other side says went wrong
            assert type(error) is RuntimeError
            return False
        for outputs in steps:
            assert all(isinstance(array, np.ndarray) for array in outputs.values())
        return True

    assert all(isinstance(decoded(value, name), np.ndarray) for name, value in step.items())
    return json.dumps({"steps": [step]}).encode(), check


TARGETS = {target.__name__: target for target in (
    training_checkpoint, memory, vector, vector_manifest, drawings, archive, idx_packed, idx, idx_labels,
    parallel_lines, words, grid, sweep_results, deviations_file, protocol)}
