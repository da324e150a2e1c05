"""How cost grows: time and memory of each workload against the sizes of its work, with fitted exponents.

An exponent p with its standard error says that the cost goes like size^p over the range that was measured: the slope
of a straight line through the logarithms. A fixed cost bends it down at the lower end. The memory is ours, in a process
of its own for each size, less what that process held after a step of a single row: libraries and compiled code.
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
    """Measure and print; exit code 1 where a size failed. Raises ValueError where an option is wrong."""
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}")
    plots.check(options.plot)
    chosen = [workloads.find(name) for name in options.only or workloads.FILES]
    jobs = [(workload, size) for workload in chosen for size in workload.growth]
    stderr, watch = rich.console.Console(stderr=True), measure.Watch()
    series: list[dict[str, Any]] = []
    failed: list[str] = []
    with watch, rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        for workload, size in progress.track(jobs, description="growing"):
            try:
                series.append(grown(workload, size, options.rounds, options.seed))
            except Exception as error:  # whatever it is, it does not take the other sizes with it
                failed.append(f"{workload.name}, {size} failed: {type(error).__name__}: {error}")
    report = {"series": series, "commit": measure.commit(), "rounds": options.rounds, "seed": options.seed,
              "versions": measure.versions("refmem", "numpy", "torch"), "failed": failed, "warnings": watch.warnings()}
    if options.plot:
        plots.growth(series, options.plot)
    print(json.dumps(report)) if options.json else show(report)
    return int(bool(failed))


def grown(workload: Workload, size: str, rounds: int, seed: int) -> dict[str, Any]:
    """Milliseconds and MiB at each value of one size, and the exponents of both."""
    values, sides = workload.growth[size], [side for side in SIDES if workloads.HERE[side]()]
    ms: dict[str, list[float]] = {side: [] for side in sides}
    memory = []
    for value in values:
        batch = value if size == "batch" else workload.growth_batch
        sizes = {} if size == "batch" else {size: value}
        with threadpoolctl.threadpool_limits(workload.threads, "blas"):
            steps = {side: workload.sides[side](batch, seed, **sizes) for side in sides}
            took = measure.medians(list(measure.in_turns(steps, rounds)))
        for side in sides:
            ms[side].append(took[side])
        memory.append(measure.peak_memory(workload.name, "ours", batch, **sizes)["grown"])
    fits = {side: exponent(values, ms[side]) for side in sides}
    memory_fit = exponent(values, memory)
    return {"workload": workload.name, "size": size, "values": list(values), "ms": ms, "memory_mib": memory,
            "exponent": {side: fits[side][0] for side in sides},
            "exponent_error": {side: fits[side][1] for side in sides},
            "memory_exponent": memory_fit[0], "memory_exponent_error": memory_fit[1]}


def exponent(values: Any, costs: Any) -> tuple[float, float]:
    """(p, its standard error) of cost = c value^p, by least squares on the logarithms."""
    x, y = np.log(np.asarray(values, float)), np.log(np.maximum(np.asarray(costs, float), 1e-9))
    x = x - x.mean()
    slope = float((x * y).sum() / (x * x).sum())
    left = y - y.mean() - slope * x
    return slope, float(np.sqrt((left * left).sum() / max(1, len(x) - 2) / (x * x).sum()))


def show(report: dict[str, Any]) -> None:
    """The table for people."""
    table = rich.table.Table("workload", "size", "values", "ms", "exponent", "torch ms", "exponent", "MiB", "exponent")
    for line in report["series"]:
        p, error = line["exponent"], line["exponent_error"]
        cells = [cell for side in SIDES for cell in
                 ((numbers(line["ms"][side]), f"{p[side]:.2f} ± {error[side]:.2f}") if side in p else ("-", "-"))]
        table.add_row(line["workload"], line["size"], " ".join(map(str, line["values"])), *cells,
                      numbers(line["memory_mib"]),
                      f"{line['memory_exponent']:.2f} ± {line['memory_exponent_error']:.2f}")
    console = rich.console.Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for sentence in [*report["failed"], *(f"warning: {warning}" for warning in report["warnings"])]:
        console.print(sentence, highlight=False, soft_wrap=True, markup=False)


def numbers(values: list[float]) -> str:
    """Three digits each."""
    return " ".join(f"{value:.3g}" for value in values)
