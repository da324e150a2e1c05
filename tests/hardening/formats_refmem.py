"""Fuzz targets of refmem: memories, conformance vectors, deviations, and the replies of runners."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hardening.formats import Check, reader
from refmem.conformance import case, deviations
from refmem.conformance.adapters.protocol import ProtocolError, decoded, encoded_task
from refmem.conformance.adapters.runner import Runner
from refmem.memory import Memory


def memory(folder: Path) -> tuple[bytes, Check]:
    """A memory that was saved."""
    path = folder / "memory.npz"
    whole = Memory(3, 4)
    whole.forward(np.eye(3), labels=np.arange(3))
    whole.save(path)

    def holds(loaded: Any) -> None:
        for name, array in whole.state.arrays().items():
            np.testing.assert_array_equal(loaded.state.arrays()[name], array)
        assert loaded.profile == whole.profile

    return path.read_bytes(), reader(path, lambda: Memory.load(path), holds)


def vector(folder: Path) -> tuple[bytes, Check]:
    """The arrays of a conformance vector."""
    manifest, original = _vector(folder)
    arrays = manifest.with_suffix(".npz")

    def holds(loaded: Any) -> None:
        assert repr(loaded) == repr(original)

    return arrays.read_bytes(), reader(arrays, lambda: case.load(manifest), holds)


def vector_manifest(folder: Path) -> tuple[bytes, Check]:
    """The manifest of a conformance vector. It is no secret text: what still is one is a case, whatever it says."""
    manifest, original = _vector(folder)

    def holds(loaded: Any) -> None:
        assert isinstance(loaded, type(original))

    return manifest.read_bytes(), reader(manifest, lambda: case.load(manifest), holds)


def _vector(folder: Path) -> tuple[Path, case.Case]:
    source = case.paths()[0]
    for suffix in (".json", ".npz"):
        (folder / source.with_suffix(suffix).name).write_bytes(source.with_suffix(suffix).read_bytes())
    return folder / source.name, case.load(folder / source.name)


def deviations_file(folder: Path) -> tuple[bytes, Check]:
    """A deviations file."""
    path = folder / "deviations.toml"
    whole = b'[[deviation]]\ncase = "memory/*"\nstatus = "xfail"\nreason = "ties"\nissue = "https://x"\n' * 2

    def holds(loaded: Any) -> None:
        for entry in loaded.entries:
            assert all(isinstance(text, str) for text in (entry.case, entry.status, entry.reason, entry.issue))
            assert entry.case.strip() and entry.reason.strip() and entry.status in ("xfail", "skip")

    return whole, reader(path, lambda: deviations.load(path), holds, refused=ValueError)


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
    memory, vector, vector_manifest, deviations_file, protocol)}
