"""`python -m bench all`: every claim beside its peers, in under a quarter of an hour on two cores.

Each part runs in a process of its own, so that no library of one stands in the memory or the caches of the next.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import growth, history, models, plots

HISTORY = Path(__file__).parent / "results" / "history.jsonl"
PARTS = {  # part: what it is called with
    "models": ["models", "--rounds", "7"],
    "growth": ["growth", "--rounds", "2"],
    "neighbours": ["neighbours", "--memory-size", "8192", "65536", "--batch", "16", "--neighbours", "1", "256",
                   "--cosine", "0.7", "--threads", "2", "--rounds", "3"],
    "gradcheck": ["gradcheck", "--problems", "40"],
    "conform": ["conform"],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench all`."""
    parser.add_argument("--skip", nargs="+", choices=sorted(PARTS), default=[], metavar="PART",
                        help=f"leave out some of {', '.join(PARTS)}")
    parser.add_argument("--history", default=str(HISTORY), metavar="FILE",
                        help="where the ratios of this run are added (default: bench/results/history.jsonl); "
                             "an empty name for nowhere")
    parser.add_argument("--plot", metavar="DIR", help="draw the ratios and the growth into DIR (extra plot)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of tables")


def main(options: argparse.Namespace) -> int:
    """Run all parts and print. Raises ValueError with what a part says where it cannot run."""
    plots.check(options.plot)
    start = time.perf_counter()
    report: dict[str, Any] = {}
    for name, command in PARTS.items():
        if name not in options.skip:
            print(f"bench {name} ...", file=sys.stderr, flush=True)
            report[name] = part(command)
    report["seconds"] = round(time.perf_counter() - start, 1)
    report["warnings"] = sorted({warning for name in PARTS if name in report
                                 for warning in report[name].get("warnings", ())})
    if "models" in report:
        if options.history:
            history.append(options.history, report["models"])
        if options.plot:
            plots.ratios(report["models"]["rows"], options.plot)
    if options.plot and "growth" in report:
        plots.growth(report["growth"]["series"], options.plot)
    if options.json:
        print(json.dumps(report))
    else:
        show(report)
    return 0


def part(command: list[str]) -> dict[str, Any]:
    """What one part reports."""
    done = subprocess.run([sys.executable, "-m", "bench", *command, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    if done.returncode not in (0, 1):
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"bench {command[0]} failed: {said.removeprefix('error: ')}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(report: dict[str, Any]) -> None:
    """The tables of all parts, one after the other."""
    from bench import gradcheck, neighbours

    if "models" in report:
        models.show(report["models"])
    if "growth" in report:
        growth.show(report["growth"])
    if "neighbours" in report:
        neighbours.show(report["neighbours"]["rows"])
    if "gradcheck" in report:
        found = report["gradcheck"]
        gradcheck.show([gradcheck.Score(**score) for score in found["scores"]], found["linear_layers"])
    if "conform" in report:
        print(f"{report['conform']['cases']} cases of conformance in {report['conform']['seconds']:.1f} s")
    print(f"all in {report['seconds']:.0f} s")
