"""The networks and the memory against PyTorch: time in alternation, and peak memory.

`ratio_to_torch` is the median, over the rounds, of our time divided by PyTorch's of the same round; `spread` are the
quartiles of the same. `memory_ratio` compares the high-water marks of two fresh processes, one for each side: all that
has to be resident to do the work, interpreter, libraries and compiled code included. `working_ratio` leaves out what
each process held before its first step at this size (after one with a single row): the arrays of the step alone.
`ratios` has the quartiles for every other side, ours in plain code among them. What cannot be measured is a row with
its `error`, and the other rows stand; without PyTorch ours is measured alone.
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
NO_TORCH = "PyTorch is not installed, and there is nothing to compare with: pip install 'refmem[bench]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench models`."""
    parser.add_argument("--only", nargs="+", choices=sorted(workloads.FILES), metavar="NAME",
                        help=f"these workloads alone, of {', '.join(workloads.FILES)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"measurements of each, in turn (default: {ROUNDS})")
    parser.add_argument("--seconds", type=float, metavar="S",
                        help=f"of each row: after S no further round begins, once {measure.ENOUGH} are done")
    parser.add_argument("--batches", type=int, nargs="+", metavar="B", help="other batch sizes than the workload's own")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of weights and inputs (default: {SEED})")
    parser.add_argument("--history", metavar="FILE", help="add the ratios of this run to FILE, a line of JSON")
    parser.add_argument("--plot", metavar="DIR", help="draw the ratios into DIR/models.png (extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Measure and print; exit code 1 where a row is an error. Raises ValueError where an option is wrong."""
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}")
    if options.seconds is not None and not options.seconds > 0:
        raise ValueError(f"--seconds must be above 0, got {options.seconds}")
    plots.check(options.plot)
    history.check(options.history)
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
            try:
                rows.append(row(workload, batch, options, lambda: progress.advance(task)))
            except Exception as error:  # whatever it is, it does not take the other rows with it
                rows.append({"workload": workload.name, "batch": batch, "about": workload.about,
                             "error": f"{type(error).__name__}: {error}"})
    report = {
        "rows": rows, "commit": measure.commit(), "date": time.strftime("%Y-%m-%d %H:%M"),
        "versions": measure.versions(*PACKAGES),
        "load": {"before": before, "after": measure.load(), "others": watch.others},
        "warnings": watch.warnings() + ([] if workloads.HERE["torch"]() else [NO_TORCH]),
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
    return int(any("error" in line for line in rows))


def row(workload: Workload, batch: int, options: argparse.Namespace, tick: Callable[[], object]) -> dict[str, Any]:
    """One line of the report. Figures of a side that is not here are None."""
    sides = [side for side in workloads.sides_here(workload)  # plain code takes its time: it is seen once
             if side != "plain" or batch == workload.batches[0]]
    with threadpoolctl.threadpool_limits(workload.threads, "blas"):
        steps = {side: workload.sides[side](batch, options.seed) for side in sides}
        taken = []
        for took in measure.in_turns(steps, options.rounds, options.seconds):
            taken.append(took)
            tick()
    ms = measure.medians(taken)
    ratios = {side: [float(q) for q in np.quantile([took["ours"] / took[side] for took in taken], (0.25, 0.5, 0.75))]
              for side in sides if side != "ours"}
    low, ratio, high = ratios.get("torch", [None] * 3)
    ours = measure.peak_memory(workload.name, "ours", batch)
    torch = measure.peak_memory(workload.name, "torch", batch) if "torch" in sides else None
    tick()
    return {
        "workload": workload.name, "batch": batch, "about": workload.about,
        "ms": ms["ours"], "torch_ms": ms.get("torch"), "torch_channels_last_ms": ms.get("torch_channels_last"),
        "all_ms": ms, "ratios": ratios, "rounds": len(taken),
        "goal_met": None if ratio is None else ratio <= workload.goal,
        "ratio_to_torch": ratio, "spread": None if ratio is None else [low, high],
        "ratio_to_torch_channels_last": ratios.get("torch_channels_last", [None] * 3)[1],
        "goal": workload.goal, "memory_goal": workload.memory_goal,
        "memory_ratio": torch and ours["peak"] / torch["peak"],
        "working_ratio": torch and ours["working"] / max(torch["working"], 1 / 1024),
        "peak_mib": ours["peak"], "torch_peak_mib": torch and torch["peak"],
        "working_mib": ours["working"], "torch_working_mib": torch and torch["working"],
    }


def show(report: dict[str, Any]) -> None:
    """The table for people."""
    table = rich.table.Table(title="medians of runs in alternation")
    for heading in ("workload", "batch", "ms", "torch ms", "ratio", "quartiles", "ratio, channels last", "goal",
                    "memory ratio", "goal"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for line in report["rows"]:
        if "error" in line:
            table.add_row(line["workload"], str(line["batch"]), "failed")
            continue
        spread = "-" if line["spread"] is None else "{:.2f} {:.2f}".format(*line["spread"])
        table.add_row(line["workload"], str(line["batch"]), number(line["ms"]), number(line["torch_ms"]),
                      number(line["ratio_to_torch"]), spread, number(line["ratio_to_torch_channels_last"]),
                      f"{line['goal']:g}", number(line["memory_ratio"]), f"{line['memory_goal']:g}")
    console = rich.console.Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(f"{report['threads']} threads each; load {report['load']['before']} before, "
                  f"{report['load']['after']} after; seed {report['seed']}", highlight=False, soft_wrap=True)
    for line in report["rows"]:
        if "error" in line:
            console.print(f"{line['workload']}, {line['batch']} failed: {line['error']}", highlight=False,
                          soft_wrap=True, markup=False)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", highlight=False, soft_wrap=True, markup=False)
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()),
                  highlight=False, soft_wrap=True, markup=False)


def number(value: float | None) -> str:
    """Two decimals, or a dash for nothing."""
    return "-" if value is None else f"{value:.2f}"
