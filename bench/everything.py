"""`python -m bench all`: every claim beside its peers, in under a quarter of an hour on two cores.

Each part runs in a process of its own, so that no library of one stands in the memory or the caches of the next, and
so that one that fails, or hangs, leaves the others whole: it is a row of the table that says why.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import growth, history, measure, models, plots, summary, workloads
from bench.neighbours import searchers

HISTORY = Path(__file__).parent / "results" / "history.jsonl"
MINUTES = 14.0
LIMIT = 240.0  # seconds of one process; in quiet the longest takes about 100
GROWING = ("cnn", "fast_weights_50", "fast_weights_matrix_50", "memory", "memory_tf2017", "neural_gpu_20", "seq2seq")
"""Those whose growth is shown. The others are the same work at another width."""

PARTS: dict[str, list[list[str]]] = {  # part: the commands whose reports make it up
    "conform": [["conform"]],
    "models": [["models", "--only", *names, "--seconds", "20"]
               for _, names in itertools.groupby(workloads.FILES, key=workloads.FILES.__getitem__)],
    "gradcheck": [["gradcheck", "--problems", "40"]],
    "neighbours": [["neighbours", "--memory-size", str(m), "--data", "random", "--batch", "16", "--neighbours", "1",
                    "256", "--cosine", "0.7", "--threads", "2", "--rounds", "3"] for m in (8192, 65536)],
    "growth": [["growth", "--only", name, "--rounds", "2"] for name in GROWING],
}
PACKAGES = ("refmem", "numpy", "numba", "torch", "jax", "faiss-cpu", "hnswlib", "usearch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench all`."""
    parser.add_argument("--skip", nargs="+", choices=sorted(PARTS), default=[], metavar="PART",
                        help=f"leave out some of {', '.join(PARTS)}")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="M",
                        help=f"what has not been measured by then is left out, and said so (default: {MINUTES:g})")
    parser.add_argument("--history", default=str(HISTORY), metavar="FILE",
                        help="where the ratios of this run are added (default: bench/results/history.jsonl); "
                             "an empty name for nowhere")
    parser.add_argument("--plot", metavar="DIR", help="draw the ratios and the growth into DIR (extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout; the table of ratios then on stderr")


def main(options: argparse.Namespace) -> int:
    """Run all parts and print; exit code 1 where one failed, or found something wrong."""
    if not options.minutes > 0:
        raise ValueError(f"--minutes must be above 0, got {options.minutes}")
    plots.check(options.plot)
    history.check(options.history)
    start, before, watch = time.perf_counter(), measure.load(), measure.Watch()
    jobs = [(name, command) for name in PARTS if name not in options.skip for command in PARTS[name]]
    found: dict[str, list[dict[str, Any]]] = {}
    failed = []
    with watch:
        for number, (name, command) in enumerate(jobs, start=1):
            seconds = time.perf_counter() - start
            print(f"{seconds:4.0f} s  [{number}/{len(jobs)}] bench {' '.join(command)}", file=sys.stderr, flush=True)
            try:
                found.setdefault(name, []).append(part(command, min(LIMIT, 60 * options.minutes - seconds)))
            except ValueError as error:
                what = " --".join(" ".join(command).split(" --")[:2])  # up to the second option
                failed.append({"what": what, "error": str(error)})
    report: dict[str, Any] = {name: together(parts) for name, parts in found.items() if parts}
    report |= {
        "failed": failed, "missing": missing(), "seconds": round(time.perf_counter() - start, 1),
        "date": time.strftime("%Y-%m-%d %H:%M"), "commit": measure.commit(), "versions": measure.versions(*PACKAGES),
        "load": {"before": before, "after": measure.load(), "others": watch.others},
        "warnings": sorted({*watch.warnings(), *(warning for parts in found.values() for one in parts
                                                 for warning in one.get("warnings", ()))}),
    }
    report["table"] = summary.rows(report)
    if options.json:  # first of all, so that a full disk does not lose it
        print(json.dumps(report))
        summary.show(report, sys.stderr)
    else:
        show(report)
    if "models" in report:
        if options.history:
            history.append(options.history, report["models"])
        if options.plot:
            plots.ratios(report["models"]["rows"], options.plot)
    if options.plot and report.get("growth", {}).get("series"):
        plots.growth(report["growth"]["series"], options.plot)
    return int(any("error" in row for row in report["table"]) or report.get("conform", {}).get("exit_code", 0) != 0)


def part(command: list[str], seconds: float) -> dict[str, Any]:
    """What one process reports. Raises ValueError with a sentence where it reports nothing in that time."""
    if seconds <= 0:
        raise ValueError("no time was left for it")
    try:
        done = subprocess.run([sys.executable, "-m", "bench", *command, "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1], timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ValueError(f"stopped after {seconds:.0f} s") from None
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"exit code {done.returncode}: {said.removeprefix('error: ')}") from None
    return found


def together(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One report of several: their rows one after the other, and what they say of the machine from first to last."""
    whole = dict(reports[0])
    for report in reports[1:]:
        for name, value in report.items():
            if name == "warnings":
                whole[name] = [*whole[name], *(warning for warning in value if warning not in whole[name])]
            elif isinstance(value, list):
                whole[name] = whole[name] + value
            elif name == "versions":
                whole[name] = whole[name] | value
            elif name == "load":
                whole[name] = value | {"before": whole[name]["before"]}
    return whole


def missing() -> list[str]:
    """The peers that are not installed, by the names of their packages."""
    peers = ("torch", "jax", *dict.fromkeys(searchers.PACKAGES.values()))
    return [name for name in peers if find_spec(name) is None]


def show(report: dict[str, Any]) -> None:
    """The tables of all parts, one after the other, and at last the ratios."""
    from bench import gradcheck
    from bench.neighbours import command as neighbours

    if "models" in report:
        models.show(report["models"])
    if "growth" in report:
        growth.show(report["growth"])
    if "neighbours" in report:
        neighbours.show(report["neighbours"]["rows"])
    if "gradcheck" in report:
        found = report["gradcheck"]
        gradcheck.show([gradcheck.Score(**score) for score in found["scores"]], found["linear_layers"])
    summary.show(report, sys.stdout)
