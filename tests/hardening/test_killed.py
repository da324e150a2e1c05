"""kill -9 while checkpoints are written: the file is a whole one, and no older than the last that was completed.

The long run, 200 kills (`SLOW`), is `pytest -m slow tests/hardening`.
"""

import itertools
import os
import signal
import struct
import time

import numpy as np
import pytest

from reference_models.training import adam, checkpoint
from reference_models.training.checkpoint import Checkpoint
from reference_models.training.schedule import Counters

QUICK, SLOW = 10, 200

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def numbered(number):
    """A checkpoint that can be told from the one before, and takes some time to write."""
    params = {f"w{i}": np.full((64, 256), number + i, np.float32) for i in range(8)}
    return Checkpoint("sums", {"number": number}, params, adam.start(params),
                      np.random.default_rng(number).bit_generator.state, Counters(number, number, float(number)))


def write_for_ever(path, reports):
    """In a child: save one checkpoint after the other, and report the number of each that is done."""
    for number in itertools.count(1):
        checkpoint.save(path, numbered(number))
        os.write(reports, struct.pack("q", number))


def killed(path, seconds):
    """The number of the last checkpoint that a child, killed after so long, reported; 0 for none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            write_for_ever(path, writer)
        finally:
            os._exit(1)
    os.close(writer)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as reports:
        numbers = reports.read()
    return struct.unpack("q", numbers[-8:])[0] if numbers else 0


def run(folder, kills):
    """Kill so many writers at random moments; how many of them in the middle of a file."""
    rng = np.random.default_rng(0)
    path = folder / "checkpoint.npz"
    middle = 0
    for _ in range(kills):
        checkpoint.save(path, numbered(0))
        done = killed(path, rng.uniform(0.0, 0.08))
        loaded = checkpoint.load(path, "sums")
        assert loaded.counters.episodes in (done, done + 1)  # it may have died between the file and the report
        for i in range(8):
            assert (loaded.params[f"w{i}"] == loaded.counters.episodes + i).all()
        for part in folder.glob(".checkpoint.npz.*.part"):
            middle += 1
            part.unlink()
    return middle


def test_a_killed_writer_leaves_a_whole_checkpoint(tmp_path):
    run(tmp_path, QUICK)


@pytest.mark.slow
def test_two_hundred_killed_writers_leave_whole_checkpoints(tmp_path):
    middle = run(tmp_path, SLOW)
    print(f"{SLOW} kills, {middle} of them in the middle of a file")
    assert middle > SLOW // 20  # else the moments were not random enough to show anything
