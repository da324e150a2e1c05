"""How cost grows: time and memory of each workload against the sizes of its work, with fitted exponents.

An exponent p with its standard error says that the cost goes like size^p over the range that was measured: the slope
of a straight line through the logarithms. A fixed cost bends it down at the lower end.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np
import rich.console
import rich.progress
import rich.table
import threadpoolctl

from bench import measure, plots, workloads
from bench.workloads import Workload

ROUNDS = 3
SIDES = ("ours", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench growth`."""
    parser.add_argument("--only", nargs="+", choices=sorted(workloads.FILES), metavar="NAME",
                        help=f"these workloads alone, of {', '.join(workloads.FILES)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"measurements of each, in turn (default: {ROUNDS})")
    parser.add_argument("--seed", type=int, default=0, help="of weights and inputs (default: 0)")
    parser.add_argument("--plot", metavar="DIR", help="draw the curves into DIR/growth.png (extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Measure and print. Raises ValueError where an option or PyTorch is missing."""
    if not workloads.HERE["torch"]():
        raise ValueError("PyTorch is not installed, and there is nothing to compare with: pip install 'refmem[bench]'")
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}")
    plots.check(options.plot)
    chosen = [workloads.find(name) for name in options.only or workloads.FILES]
    jobs = [(workload, size) for workload in chosen for size in workload.growth]
    stderr, watch = rich.console.Console(stderr=True), measure.Watch()
    series = []
    with watch, rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        for workload, size in progress.track(jobs, description="growing"):
            series.append(grown(workload, size, options.rounds, options.seed))
    report = {"series": series, "commit": measure.commit(), "rounds": options.rounds, "seed": options.seed,
              "versions": measure.versions("refmem", "numpy", "torch"), "warnings": watch.warnings()}
    if options.plot:
        plots.growth(series, options.plot)
    print(json.dumps(report)) if options.json else show(report)
    return 0


def grown(workload: Workload, size: str, rounds: int, seed: int) -> dict[str, Any]:
    """Milliseconds and MiB at each value of one size, and the exponents of both."""
    values = workload.growth[size]
    ms: dict[str, list[float]] = {side: [] for side in SIDES}
    working = []
    for value in values:
        batch = value if size == "batch" else workload.growth_batch
        sizes = {} if size == "batch" else {size: value}
        with threadpoolctl.threadpool_limits(workload.threads, "blas"):
            steps = {side: workload.sides[side](batch, seed, **sizes) for side in SIDES}
            took = measure.medians(list(measure.in_turns(steps, rounds)))
        for side in SIDES:
            ms[side].append(took[side])
        working.append(measure.peak_memory(workload.name, "ours", batch, **sizes)["peak"])
    fits = {side: exponent(values, ms[side]) for side in SIDES}
    return {"workload": workload.name, "size": size, "values": list(values), "ms": ms, "peak_mib": working,
            "exponent": {side: fits[side][0] for side in SIDES},
            "exponent_error": {side: fits[side][1] for side in SIDES},
            "memory_exponent": exponent(values, working)[0]}


def exponent(values: Any, costs: Any) -> tuple[float, float]:
    """(p, its standard error) of cost = c value^p, by least squares on the logarithms."""
    x, y = np.log(np.asarray(values, float)), np.log(np.maximum(np.asarray(costs, float), 1e-9))
    x = x - x.mean()
    slope = float((x * y).sum() / (x * x).sum())
    left = y - y.mean() - slope * x
    return slope, float(np.sqrt((left * left).sum() / max(1, len(x) - 2) / (x * x).sum()))


def show(report: dict[str, Any]) -> None:
    """The table for people."""
    table = rich.table.Table("workload", "size", "values", "ms", "exponent", "torch ms", "exponent", "peak MiB")
    for line in report["series"]:
        p, error = line["exponent"], line["exponent_error"]
        table.add_row(line["workload"], line["size"], " ".join(map(str, line["values"])),
                      *(cell for side in SIDES for cell in (" ".join(f"{ms:.3g}" for ms in line["ms"][side]),
                                                            f"{p[side]:.2f} ± {error[side]:.2f}")),
                      " ".join(f"{mib:.0f}" for mib in line["peak_mib"]))
    console = rich.console.Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", highlight=False, soft_wrap=True)
