"""The networks and the memory against PyTorch: time in alternation, and peak memory.

`ratio_to_torch` is the median, over the rounds, of our time divided by PyTorch's of the same round; `spread` are the
quartiles of the same. `memory_ratio` compares the high-water marks of two fresh processes, one for each side: all that
has to be resident to do the work, interpreter, libraries and compiled code included. `working_ratio` leaves out what
each process held before its first step at this size (after one with a single row): the arrays of the step alone.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rich.console
import rich.progress
import rich.table
import threadpoolctl

from bench import history, measure, plots, workloads
from bench.workloads import Workload

SEED, ROUNDS = 0, 15
PACKAGES = ("refmem", "numpy", "numba", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench models`."""
    parser.add_argument("--only", nargs="+", choices=sorted(workloads.FILES), metavar="NAME",
                        help=f"these workloads alone, of {', '.join(workloads.FILES)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"measurements of each, in turn (default: {ROUNDS})")
    parser.add_argument("--batches", type=int, nargs="+", metavar="B", help="other batch sizes than the workload's own")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of weights and inputs (default: {SEED})")
    parser.add_argument("--history", metavar="FILE", help="add the ratios of this run to FILE, a line of JSON")
    parser.add_argument("--plot", metavar="DIR", help="draw the ratios into DIR/models.png (extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Measure and print. Raises ValueError where an option or PyTorch is missing."""
    if not workloads.HERE["torch"]():
        raise ValueError("PyTorch is not installed, and there is nothing to compare with: "
                         "pip install 'refmem[bench]'")
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}")
    plots.check(options.plot)
    if options.batches and min(options.batches) < 1:
        raise ValueError(f"--batches must be at least 1, got {min(options.batches)}")
    chosen = [workloads.find(name) for name in options.only or workloads.FILES]
    jobs = [(workload, batch) for workload in chosen for batch in options.batches or workload.batches]

    before, watch = measure.load(), measure.Watch()
    stderr = rich.console.Console(stderr=True)
    with watch, rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("measuring", total=len(jobs) * (options.rounds + 1))
        rows = []
        for workload, batch in jobs:
            progress.update(task, description=f"{workload.name}, {batch} at a time")
            rows.append(row(workload, batch, options.rounds, options.seed, lambda: progress.advance(task)))
    report = {
        "rows": rows, "commit": measure.commit(), "date": time.strftime("%Y-%m-%d %H:%M"),
        "versions": measure.versions(*PACKAGES),
        "load": {"before": before, "after": measure.load(), "others": watch.others},
        "warnings": watch.warnings(),
        "seed": options.seed, "rounds": options.rounds, "threads": workloads.THREADS,
    }
    if options.history:
        history.append(options.history, report)
    if options.plot:
        plots.ratios(report["rows"], options.plot)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)
    return 0


def row(workload: Workload, batch: int, rounds: int, seed: int, tick: Callable[[], object]) -> dict[str, Any]:
    """One line of the report."""
    sides = [side for side in workloads.sides_here(workload)  # plain code takes its time: it is seen once
             if side != "plain" or batch == workload.batches[0]]
    with threadpoolctl.threadpool_limits(workload.threads, "blas"):
        steps = {side: workload.sides[side](batch, seed) for side in sides}
        taken = []
        for took in measure.in_turns(steps, rounds):
            taken.append(took)
            tick()
    ms = measure.medians(taken)
    ratio = {side: np.array([took["ours"] / took[side] for took in taken]) for side in sides}
    peak = {side: measure.peak_memory(workload.name, side, batch) for side in ("ours", "torch")}
    tick()
    channels_last = ratio.get("torch_channels_last")
    return {
        "workload": workload.name, "batch": batch, "about": workload.about,
        "ms": ms["ours"], "torch_ms": ms["torch"], "torch_channels_last_ms": ms.get("torch_channels_last"),
        "all_ms": ms, "goal_met": bool(np.median(ratio["torch"]) <= workload.goal),
        "ratio_to_torch": float(np.median(ratio["torch"])),
        "spread": [float(q) for q in np.quantile(ratio["torch"], (0.25, 0.75))],
        "ratio_to_torch_channels_last": None if channels_last is None else float(np.median(channels_last)),
        "goal": workload.goal, "memory_goal": workload.memory_goal,
        "memory_ratio": peak["ours"]["peak"] / peak["torch"]["peak"],
        "working_ratio": peak["ours"]["working"] / max(peak["torch"]["working"], 1 / 1024),
        "peak_mib": peak["ours"]["peak"], "torch_peak_mib": peak["torch"]["peak"],
        "working_mib": peak["ours"]["working"], "torch_working_mib": peak["torch"]["working"],
    }


def show(report: dict[str, Any]) -> None:
    """The table for people."""
    table = rich.table.Table(title="medians of runs in alternation")
    for heading in ("workload", "batch", "ms", "torch ms", "ratio", "quartiles", "ratio, channels last", "goal",
                    "memory ratio", "goal"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for line in report["rows"]:
        last = line["ratio_to_torch_channels_last"]
        table.add_row(line["workload"], str(line["batch"]), f"{line['ms']:.2f}", f"{line['torch_ms']:.2f}",
                      f"{line['ratio_to_torch']:.2f}", "{:.2f} {:.2f}".format(*line["spread"]),
                      "-" if last is None else f"{last:.2f}", f"{line['goal']:g}", f"{line['memory_ratio']:.2f}",
                      f"{line['memory_goal']:g}")
    console = rich.console.Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(f"{report['threads']} threads each; load {report['load']['before']} before, "
                  f"{report['load']['after']} after; seed {report['seed']}", highlight=False, soft_wrap=True)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()),
                  highlight=False, soft_wrap=True, markup=False)
