"""The runs of a sweep: each in a process of its own, on the cores of this machine or on the workers of a cluster."""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reference_models.cli.sweep.points import Point

RESULTS = "results.jsonl"
EXTRA = "pip install 'refmem[cluster]'"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux

Result = dict[str, Any]
"""{"id", "point", "arguments", "result": object or None, "error": sentence or None}"""

Way = Callable[[Sequence[Point], int], Iterator[Result]]
"""Runs points, retrying those that were killed, and yields their results as they come."""


class Killed(RuntimeError):
    """The process of a run was ended from outside: there is no result, and it can be tried again."""


def once(point: Point) -> Result:
    """One run, here and now. A run that ends by itself has a result; raises Killed where it was ended by a signal."""
    command = [sys.executable, "-m", "reference_models", *point.arguments, "--json"]
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


def tried(point: Point, retries: int) -> Result:
    """As `once`, and again where it was killed. Killed each time is a result, too."""
    for attempt in range(retries + 1):
        try:
            return once(point)
        except Killed as killed:
            last = f"{killed}, {attempt + 1} times"
    return {"id": point.id, "point": point.values, "arguments": point.arguments, "result": None, "error": last}


def _die_with_parent() -> None:
    """So that the run of a worker that was killed does not go on beside its second try (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def on_cores(jobs: int | None) -> Way:
    """On this machine, through joblib. Its threads only wait: each run is a process."""
    if find_spec("joblib") is None:
        raise ValueError(f"a sweep needs joblib: {EXTRA}")
    import joblib

    def way(points: Sequence[Point], retries: int) -> Iterator[Result]:
        side_by_side = joblib.Parallel(n_jobs=jobs or joblib.cpu_count(), prefer="threads",
                                       return_as="generator_unordered")
        yield from side_by_side(joblib.delayed(tried)(point, retries) for point in points)

    return way


def on_dask(address: str) -> Way:
    """On the workers of a cluster that is there already; they need this program installed. What a worker that died
    had in hand, its scheduler gives to another one.
    """
    if find_spec("distributed") is None:
        raise ValueError(f"--dask needs Dask: {EXTRA}")
    distributed: Any = importlib.import_module("distributed")  # it has no types

    def way(points: Sequence[Point], retries: int) -> Iterator[Result]:
        try:
            client = distributed.Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise ValueError(f"there is no Dask scheduler at {address} ({error or type(error).__name__})") from error
        with client:
            futures = {client.submit(tried, point, retries, pure=False, retries=retries): point for point in points}
            for future in distributed.as_completed(list(futures)):
                try:
                    result: Result = future.result()
                except Exception as error:  # workers died under it more often than the scheduler allows
                    point = futures[future]
                    result = {"id": point.id, "point": point.values, "arguments": point.arguments, "result": None,
                              "error": f"{type(error).__name__}: its workers died"}
                yield result

    return way


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
