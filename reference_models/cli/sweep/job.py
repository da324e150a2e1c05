"""The runs of a sweep: each in a process of its own, on the cores of this machine or on the workers of a cluster."""

import contextlib
import ctypes
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from refmem import workers

from reference_models.cli.sweep.points import Point

RESULTS = "results.jsonl"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux

Result = dict[str, Any]
"""{"id", "point", "arguments", "result": object or None, "error": sentence or None}"""


class Killed(RuntimeError):
    """The process of a run was ended from outside: there is no result, and it can be tried again."""


def once(point: Point, folder: Path) -> Result:
    """One run, here and now, in a folder of its own below `folder`: runs side by side must not find the same one free.

    A run that ends by itself has a result; raises Killed where it was ended by a signal.
    """
    own, attempt = folder / point.id, 1
    while own.exists():  # what a killed one has left
        attempt += 1
        own = folder / f"{point.id}-{attempt}"
    command = [sys.executable, "-m", "reference_models", *point.arguments, "--out", str(own), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_die_with_parent,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)})
    if done.returncode < 0:
        raise Killed(f"it was killed by {signal.Signals(-done.returncode).name}")
    result, error = None, None
    if done.returncode:
        error = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].removeprefix("error: ")
    else:
        try:
            result = json.loads(done.stdout.strip().splitlines()[-1])
        except (ValueError, IndexError):
            error = "its last line on stdout is not a JSON object"
    return {"id": point.id, "point": point.values, "arguments": point.arguments, "result": result, "error": error}


def tried(point: Point, retries: int, folder: Path) -> Result:
    """As `once`, and again where it was killed. Killed each time is a result, too."""
    for attempt in range(retries + 1):
        try:
            return once(point, folder)
        except Killed as killed:
            last = f"{killed}, {attempt + 1} times"
    return {"id": point.id, "point": point.values, "arguments": point.arguments, "result": None, "error": last}


def _die_with_parent() -> None:
    """So that the run of a worker that was killed does not go on beside its second try (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def results(way: workers.Way, points: Sequence[Point], retries: int, folder: Path) -> Iterator[Result]:
    """Run points, retrying those that were killed, and yield their results as they come."""
    for place, result in way(functools.partial(tried, retries=retries, folder=folder), points):
        if isinstance(result, workers.Failed):
            point = points[place]
            result = {"id": point.id, "point": point.values, "arguments": point.arguments, "result": None,
                      "error": str(result.error)}
        yield result


class Folder:
    """Where the results of a sweep lie. One sweep at a time works in it."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path / RESULTS
        self.file = self.path.open("a+b")
        self.done: dict[str, Result] = {}

    def __enter__(self) -> "Folder":
        try:
            self._lock()
            self._read()
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()  # which opens the lock, too

    def add(self, result: Result) -> None:
        """Keep a result, on disk before anything else happens."""
        self.file.write(json.dumps(result).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.done[result["id"]] = result

    def _lock(self) -> None:
        try:
            import fcntl
        except ModuleNotFoundError:  # no locks on this system
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another sweep is at work in {self.path.parent}") from error

    def _read(self) -> None:
        """What is there. A last line that was cut off by a crash is removed: that run is done again."""
        self.file.seek(0)
        whole = 0
        for number, line in enumerate(self.file.read().splitlines(keepends=True), start=1):
            if not line.endswith(b"\n"):
                self.file.truncate(whole)
                break
            try:
                result = json.loads(line)
                self.done[result["id"]] = {name: result[name] for name in ("id", "point", "arguments", "result",
                                                                           "error")}
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"line {number} of {self.path} is not the result of a run") from error
            whole += len(line)
