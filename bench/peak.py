"""A process that runs one workload and prints how much memory it took. Started by `bench.measure.peak_memory`.

The high-water mark of resident memory is reset before the steps that are measured (Linux: /proc/self/clear_refs).
Elsewhere it cannot be; there the peak of imports and of loading hides what stays below it.
"""

import json
import resource
import sys
from pathlib import Path

import threadpoolctl

from bench import workloads

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def high_water() -> float:
    """The largest resident size so far, in MiB."""
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def resident() -> float:
    """What is resident now, in MiB; the high-water mark starts anew from here, where the system lets it."""
    if CLEAR.exists():
        CLEAR.write_text("5")
    return high_water()


def main(workload: str, side: str, batch: int, steps: int, sizes: dict[str, int]) -> None:
    """Print {"peak", "working", "grown"}."""
    found = workloads.find(workload)
    make = found.sides[side]
    with threadpoolctl.threadpool_limits(found.threads, "blas"):
        make(1, 0, **{size: min(found.growth[size]) for size in sizes})()
        empty = resident()
        step = make(batch, 0, **sizes)
        start = resident()
        for _ in range(steps):
            step()
        peak = high_water()
    print(json.dumps({"peak": peak, "working": peak - start, "grown": peak - empty}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), json.loads(sys.argv[5]))
