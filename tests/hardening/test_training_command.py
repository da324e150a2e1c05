"""A training command whose disk fills up, or that is killed: the last whole checkpoint is there, and goes on from there
to the same weights as a run that nothing happened to.

The long run, 40 kills (`SLOW`), is `pytest -m slow tests/hardening`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reference_models.cli import pictures
from reference_models.cli.grid import training
from reference_models.cli.grid.experiment import SETTINGS
from reference_models.cli.main import main
from reference_models.tasks import retrieval
from reference_models.training import checkpoint, sequences

ROOT = Path(__file__).parents[2]
QUICK, SLOW = 2, 40
UPDATES = 60
RECALL = ["recall", "--model", "irnn", "--units", "4", "--updates", str(UPDATES), "--batch", "8", "--train", "40",
          "--pairs", "2"]
CHECKPOINT = "irnn-4-0.npz"
SMALL = ((retrieval, "SIZES", {"train": 40, "valid": 20, "test": 30}), (sequences, "STRETCH", 2),
         (training, "SAVE_EVERY", 0.0), (pictures, "available", lambda: False))

PROCESS = """
import resource, sys, time
from hardening.test_training_command import SMALL
from reference_models.cli.main import main
from reference_models.training import checkpoint

for thing, name, value in SMALL:
    setattr(thing, name, value)
room, pause, saved, save = int(sys.argv[1]), float(sys.argv[2]), 0, checkpoint.save

def counted(*given):
    global saved
    saved += 1
    if saved > room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    save(*given)
    time.sleep(pause)

checkpoint.save = counted
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    pytest.importorskip("resource", reason="this system has no limit on the size of files")
    for thing, name, value in SMALL:
        monkeypatch.setattr(thing, name, value)
    monkeypatch.chdir(tmp_path)


def begun(room, pause, *more):
    """The command in a process whose disk has room for so many checkpoints, with a pause after each."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen([sys.executable, "-c", PROCESS, str(room), str(pause), *RECALL, *more], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})


def weights(folder):
    """Of a run, and how many updates it has made."""
    saved = checkpoint.load(Path(folder) / CHECKPOINT, "recall")
    return saved.params, saved.adam.step


def same_as_undisturbed(folder):
    """Go on in `folder`, and compare with a run from beginning to end."""
    assert main([*RECALL, "--out", str(folder), "--resume"]) == 0
    if not Path("whole").exists():
        assert main([*RECALL, "--out", "whole"]) == 0
    (ours, step), (theirs, _) = weights(folder), weights("whole")
    assert step == UPDATES
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def test_a_disk_that_fills_up_during_training(capsys):
    process = begun(3, 0.0, "--out", "run")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2 and out == ""
    assert err.splitlines()[-1].startswith("error: ") and CHECKPOINT in err.splitlines()[-1] and "Traceback" not in err
    assert {path.name for path in Path("run").iterdir()} == {CHECKPOINT, SETTINGS}  # nothing half written
    assert weights("run")[1] == 3 * 2
    same_as_undisturbed("run")


def killed(kills):
    """Kill the command so many times, each time at a random moment after its first checkpoint."""
    rng = np.random.default_rng(0)
    steps = []
    for number in range(kills):
        folder = Path(f"run{number}")
        process = begun(10**6, 0.02, "--out", str(folder))
        deadline = time.monotonic() + 120
        while not (folder / CHECKPOINT).exists() and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.5))
        process.kill()
        process.communicate()
        steps.append(weights(folder)[1])
        same_as_undisturbed(folder)
    return steps


def test_a_training_that_is_killed_goes_on_from_its_last_checkpoint():
    killed(QUICK)


@pytest.mark.slow
def test_many_trainings_that_are_killed():
    steps = killed(SLOW)
    print(f"{SLOW} kills, at update {min(steps)} to {max(steps)} of {UPDATES}")
    assert len(set(steps)) > SLOW // 8 and min(steps) < UPDATES
