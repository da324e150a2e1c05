"""How to measure on a shared machine: in alternation, medians, ratios; memory in a process of its own.

A time by itself says little where others work on the same cores. Those who are compared take turns, round after
round, so that what disturbs one disturbs the others, and the figure to read is the ratio of the medians.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import threadpoolctl

PAUSE = 0.02  # seconds between two turns: the thread pool of one library goes to sleep before the next starts
BUSY = 0.25  # cores that others may use before a report warns of it
STAT = Path("/proc/stat")
TURN = 0.06  # seconds that a turn lasts at least, in as many calls as it takes
ENOUGH = 3  # rounds that are measured however long they take


def in_turns(functions: dict[str, Callable[[], object]], rounds: int,
             seconds: float | None = None) -> Iterator[dict[str, float]]:
    """Give each function a turn a round, and yield the milliseconds a call took in it; a first round is not counted.

    A turn begins with a call that is not counted: it wakes up the threads of its library, which can take 20 times as
    long as a short step. After so many `seconds` no further round begins, once `ENOUGH` are done.
    """
    names, began = list(functions), time.perf_counter()
    for number in range(rounds + 1):
        if seconds is not None and number > ENOUGH and time.perf_counter() - began > seconds:
            return
        took = {}
        for name in names:
            time.sleep(PAUSE)
            functions[name]()
            calls, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < TURN or not calls:
                functions[name]()
                calls += 1
            took[name] = elapsed / calls * 1e3
        names = names[1:] + names[:1]  # nobody is always the first, or always after the same one
        if number:
            yield took


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each name over the rounds."""
    return {name: float(np.median([took[name] for took in rounds])) for name in rounds[0]}


def peak_memory(workload: str, side: str, batch: int, steps: int = 3, **sizes: int) -> dict[str, float]:
    """MiB that a workload takes, in a fresh process: {"peak": whole process, "working" and "grown": less what it held}.

    `working` is above what the process held before the first of `steps`: the arrays of a step. `grown` is above what it
    held after all imports and one step of a single row at the least sizes, which load compiled code and libraries:
    weights, memory and inputs count, too.
    """
    command = [sys.executable, "-m", "bench.peak", workload, side, str(batch), str(steps), json.dumps(sizes)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise OSError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


class Watch:
    """How many cores others kept busy meanwhile, in `others`; None where the system does not say (Linux does).

    Other machines on the same processor count too: what they take is called steal.
    """

    others: float | None = None

    def __enter__(self) -> "Watch":
        self.start = time.perf_counter(), busy_seconds(), sum(os.times()[:4])
        return self

    def __exit__(self, *_: object) -> None:
        start, busy, own = self.start
        now = busy_seconds()
        if busy is not None and now is not None:
            self.others = round(max(0.0, (now - busy - sum(os.times()[:4]) + own) / (time.perf_counter() - start)), 2)

    def warnings(self) -> list[str]:
        """A sentence where the machine was too busy to trust a time."""
        if self.others is None or self.others < BUSY:
            return []
        return [f"the machine was busy: others kept {self.others:.1f} cores at work meanwhile; read the ratios, "
                "not the times"]


def busy_seconds() -> float | None:
    """Seconds that all cores together have worked since the machine was started."""
    if not STAT.exists():
        return None
    user, nice, system, _, _, *rest = (int(number) for number in STAT.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def commit() -> str:
    """Of the code that is measured, or "unknown"."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                          cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def versions(*packages: str) -> dict[str, str]:
    """Of Python, the packages and the machine."""
    blas = {f"{pool['internal_api']} {pool.get('version')} ({pool.get('architecture')})"
            for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}
    found = {"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores",
             "blas": ", ".join(sorted(blas))}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def load() -> list[float] | None:
    """The load averages over 1, 5 and 15 minutes, where the system has them."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None
