"""A disk that fills up in the middle of a file: one error that names the file, and the old file whole."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refmem import storage
from refmem.memory import Memory

ROOT = Path(__file__).parents[2]


class Full:
    """A file on a disk with room for so many more bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 500, 3000])
def test_the_old_file_stays_whole_and_nothing_is_left_beside_it(room, tmp_path, monkeypatch):
    path = tmp_path / "memory.npz"
    memory = Memory(3, 4)
    memory.save(path)
    before = path.read_bytes()
    memory.forward(np.eye(3), labels=np.arange(3))
    opened = os.fdopen
    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "fdopen", lambda *given: Full(opened(*given), room))
        with pytest.raises(OSError, match=r"No space left on device: '.*memory.npz'") as caught:
            memory.save(path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    memory.save(path)
    assert path.read_bytes() != before


def test_a_disk_that_is_full_only_when_it_is_flushed(tmp_path, monkeypatch):
    path = tmp_path / "thing.npz"
    storage.save(path, "thing", 1, {}, {"x": np.arange(3)})
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*thing.npz'"):
        storage.save(path, "thing", 1, {}, {"x": np.arange(4)})
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system has no limit on the size of files")
def test_the_limit_of_the_system_itself(tmp_path):
    """The kernel cuts the file off, not a stand-in."""
    code = ("import resource, signal, sys, numpy as np; from refmem.memory import Memory; "
            "memory = Memory(8, 64); memory.save('memory.npz'); "
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
            "memory.forward(np.eye(8), labels=np.arange(8)); memory.save('memory.npz')")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert "OSError" in done.stderr.splitlines()[-1] and "memory.npz" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["memory.npz"]
    assert (Memory.load(tmp_path / "memory.npz").state.values == -1).all()  # as it was before
