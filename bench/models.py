"""The network and the memory against PyTorch: time in alternation, and peak memory."""

import argparse
import json
import sys
from importlib.util import find_spec

import rich.console
import rich.progress
import rich.table
import threadpoolctl

from bench import measure, workloads

BATCHES = {"cnn": (16, 80), "memory": (16,)}
SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench models`."""
    parser.add_argument("--only", choices=sorted(BATCHES), help="this workload alone")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each, in turn (default: 15)")
    parser.add_argument("--batches", type=int, nargs="+", metavar="B", help="other batch sizes than 16 and 80")
    parser.add_argument("--seed", type=int, default=SEED, help="of weights, images and queries (default: 0)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Measure and print. Raises ValueError where an option or PyTorch is missing."""
    if find_spec("torch") is None:
        raise ValueError("PyTorch is not installed, and there is nothing to compare with: "
                         "pip install 'refmem[bench]'")
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}")
    if options.batches and min(options.batches) < 1:
        raise ValueError(f"--batches must be at least 1, got {min(options.batches)}")
    names = [options.only] if options.only else list(BATCHES)
    jobs = [(name, batch) for name in names for batch in options.batches or BATCHES[name]]

    before = measure.load()
    stderr = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("measuring", total=len(jobs) * (options.rounds + 1))
        rows = []
        for name, batch in jobs:
            progress.update(task, description=f"{name}, {batch} at a time")
            rows.append(row(name, batch, options.rounds, options.seed, lambda: progress.advance(task)))
    report = {
        "rows": rows,
        "versions": measure.versions("refmem", "numpy", "numba", "torch"),
        "load": {"before": before, "after": measure.load()},
        "seed": options.seed, "rounds": options.rounds, "threads": workloads.THREADS,
    }
    if options.json:
        print(json.dumps(report))
    else:
        show(report)
    return 0


def row(name, batch, rounds, seed, tick):  # type: ignore[no-untyped-def]
    """One line of the report."""
    sides = workloads.SIDES[name]
    with threadpoolctl.threadpool_limits(workloads.THREADS, "blas"):
        steps = {side: make(batch, seed) for side, make in sides.items()}
        taken = []
        for took in measure.in_turns(steps, rounds):
            taken.append(took)
            tick()
    ms = measure.medians(taken)
    peak = {side: measure.peak_memory(name, side, batch) for side in ("ours", "torch")}
    tick()
    last = ms.get("torch_channels_last")
    return {
        "workload": name, "batch": batch, "ms": ms["ours"], "torch_ms": ms["torch"],
        "torch_channels_last_ms": last,
        "ratio_to_torch": ms["ours"] / ms["torch"],
        "ratio_to_torch_channels_last": ms["ours"] / last if last else None,
        "memory_ratio": peak["ours"]["working"] / peak["torch"]["working"],
        "working_mib": peak["ours"]["working"], "torch_working_mib": peak["torch"]["working"],
        "peak_mib": peak["ours"]["peak"], "torch_peak_mib": peak["torch"]["peak"],
    }


def show(report):  # type: ignore[no-untyped-def]
    """The table for people."""
    table = rich.table.Table(title="forward and backward, medians of runs in alternation")
    for heading in ("workload", "batch", "ms", "torch ms", "ratio", "ratio, channels last", "memory ratio"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for line in report["rows"]:
        last = line["ratio_to_torch_channels_last"]
        table.add_row(line["workload"], str(line["batch"]), f"{line['ms']:.2f}", f"{line['torch_ms']:.2f}",
                      f"{line['ratio_to_torch']:.2f}", "-" if last is None else f"{last:.2f}",
                      f"{line['memory_ratio']:.2f}")
    console = rich.console.Console()
    console.print(table)
    console.print(f"two threads each; load {report['load']['before']} before, {report['load']['after']} after; "
                  f"seed {report['seed']}", highlight=False, soft_wrap=True)
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()),
                  highlight=False, soft_wrap=True, markup=False)
