"""A Dask cluster on this machine: a scheduler and some workers, processes of their own that can be killed."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def started(folder, count, **environment):
    """(address of the scheduler, the processes of the workers), until the end of the block."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    everything = os.environ | {"PYTHONPATH": path, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "5"} | environment
    file = folder / "scheduler.json"

    def start(*arguments):
        return subprocess.Popen([sys.executable, "-m", "dask", *arguments, "--no-dashboard"], env=everything,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    workers = [start("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
                     "--local-directory", str(folder)) for _ in range(count)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
