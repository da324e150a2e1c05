"""Check backward passes against measured slopes, with an error bar instead of a tolerance.

    refmem gradcheck                              every operation, the memory, a small instance of every model
    refmem gradcheck conv2d memory.paper          some of them (--list names all)
    refmem gradcheck mypackage.mymodule:function  your own: a function without arguments that returns a Problem, or
                                                  (function, vjp, arguments)
    refmem gradcheck --self-test                  the checker itself, on random problems with planted errors

Verdicts: PASS prints the smallest error that would have been caught; FAIL where it is; KINK where the slopes to both
sides differ and the gradient lies between them; INCONCLUSIVE why the slope cannot be measured well enough.

Exit codes: 0 nothing failed, 1 a row FAILs (with --strict also: is INCONCLUSIVE), 2 bad input, 130 stopped.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from refmem import workers
from refmem.arrays import device
from refmem.cli.gradcheck_targets import CPU_ONLY, TARGETS, resolve
from refmem.gradcheck.check import Check
from refmem.gradcheck.plan import LIMIT
from refmem.gradcheck.problem import ProblemRefused
from refmem.gradcheck.report import SEVERITY, GradReport, merge, percent
from refmem.gradcheck.self_test import PROBLEMS, self_test

HELP = "check gradients: ours or yours"
OK, FAILED = 0, 1

Thing = TypeVar("Thing")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem gradcheck`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to check; everything of refmem without")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--dtype", action="append", choices=("float64", "float32"), help="default: both")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where refmem's own code runs")
    parser.add_argument("--sensitivity", type=_share, metavar="1%", default=None,
                        help="smallest relative error to be noticed; default 1%% for float32, 1e-6 for float64")
    parser.add_argument("--budget", type=_seconds, metavar="10s", default=None,
                        help="time for all of it; what is not decided by then is INCONCLUSIVE")
    parser.add_argument("--elements", action="store_true", help="walk along every element by itself")
    parser.add_argument("--full", action="store_true", help=f"allow more than {LIMIT:,} evaluations")
    parser.add_argument("--strict", action="store_true", help="INCONCLUSIVE fails too")
    parser.add_argument("--all-rows", action="store_true", help="print the rows that PASS too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--plot", metavar="sweep.png", help="draw error against step (needs matplotlib)")
    parser.add_argument("--seed", type=int, default=0, help="of directions and cotangents")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes on this machine (extra cluster)")
    parser.add_argument("--dask", metavar="ADDRESS",
                        help="work on the Dask cluster of this scheduler: tcp://host:8786 (extra cluster)")
    parser.add_argument("--self-test", action="store_true", help="check the checker")
    parser.add_argument("--problems", type=int, default=PROBLEMS, metavar="N",
                        help=f"of the self-test, in each dtype; default {PROBLEMS}")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem gradcheck`."""
    if arguments.list:
        print("\n".join(TARGETS))
        return OK
    if arguments.jobs < 1:
        raise ProblemRefused(f"--jobs must be at least 1, got {arguments.jobs}")
    way = workers.chosen(arguments.jobs, arguments.dask)
    if arguments.self_test:
        return _run_self_test(arguments, way)
    dtypes = arguments.dtype or ["float64", "float32"]
    if arguments.plot:
        from refmem.gradcheck.plot import require_matplotlib
        require_matplotlib()
        if not Path(arguments.plot).absolute().parent.is_dir():
            raise ProblemRefused(f"--plot: there is no folder {Path(arguments.plot).parent}")
    if way is not None:
        reports = _side_by_side(arguments, dtypes, way)
    else:
        checks = _prepare(arguments, dtypes)
        evaluations = sum(check.plan.evaluations for check in checks)
        seconds = sum(check.plan.seconds for check in checks)
        print(f"{len(checks)} problems: {evaluations:,} evaluations, about {seconds:.1f} s", file=sys.stderr)
        reports = _run(checks, arguments.budget)
    whole = merge(reports)
    if arguments.plot:
        from refmem.gradcheck.plot import plot
        plot(whole, arguments.plot)
    if arguments.json:
        print(whole.dumps())
    else:
        _print(reports, whole, arguments.all_rows)
    return FAILED if whole.failed or (arguments.strict and whole.inconclusive) else OK


class Piece(NamedTuple):
    """One name in one dtype: what a worker is given. Its directions are drawn from the seed, whoever checks it."""

    name: str
    dtype: str
    device: str
    options: dict[str, Any]  # of `Check`

    def checks(self) -> list[Check]:
        """Its problems; most names have one."""
        return [Check(problem, **self.options) for problem in resolve(self.name)(self.dtype, device(self.device))]

    def reports(self) -> list[GradReport]:
        """Of all its problems."""
        return [check.run() for check in self.checks()]


def _pieces(arguments: argparse.Namespace, dtypes: list[str]) -> list[Piece]:
    options = {"sensitivity": arguments.sensitivity, "elements": arguments.elements, "full": arguments.full,
               "seed": arguments.seed, "sweep": bool(arguments.plot)}
    names = arguments.names or [name for name in TARGETS if arguments.device == "cpu" or name not in CPU_ONLY]
    return [Piece(name, dtype, arguments.device, options) for name in names for dtype in dtypes]


def _prepare(arguments: argparse.Namespace, dtypes: list[str]) -> list[Check]:
    device(arguments.device)
    checks = [check for piece in _pieces(arguments, dtypes) for check in piece.checks()]
    return _once(checks, lambda check: (check.subject.problem.name, check.subject.problem.dtype))


def _once(things: list[Thing], key: Callable[[Thing], object]) -> list[Thing]:
    """The first of each: a target of the user's that takes no dtype comes only once."""
    firsts: dict[object, Thing] = {}
    for thing in things:
        firsts.setdefault(key(thing), thing)
    return list(firsts.values())


def _side_by_side(arguments: argparse.Namespace, dtypes: list[str], way: workers.Way) -> list[GradReport]:
    """The same reports, made by several workers."""
    if arguments.budget is not None:
        raise ProblemRefused("--budget is the time of one process; leave out --jobs and --dask, or the budget")
    device(arguments.device)
    pieces = _pieces(arguments, dtypes)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("side by side", total=len(pieces))
        found = workers.in_order(way, Piece.reports, pieces, lambda: progress.advance(task))
    return _once([report for reports in found for report in reports],
                 lambda report: (report.rows[0].problem, report.rows[0].dtype))


def _run(checks: list[Check], budget: float | None) -> list[GradReport]:
    deadline = time.perf_counter() + (budget if budget is not None else float("inf"))
    reports = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=sum(check.plan.evaluations for check in checks))
        done = 0
        for check in checks:
            progress.update(task, description=check.subject.problem.name)
            before = done
            check.deadline = deadline
            check.subject.on_evaluation = lambda now: progress.update(
                task, completed=before + min(now, check.plan.evaluations))
            reports.append(check.run())
            done += check.plan.evaluations
            progress.update(task, completed=done)
    return reports


def _print(reports: list[GradReport], whole: GradReport, every_row: bool) -> None:
    table = Table("problem", "dtype", "verdict", *map(str, SEVERITY), "caught from", "evaluations",
                  "seconds")
    for report in reports:
        table.add_row(report.rows[0].problem, report.rows[0].dtype, str(report.verdict),
                      *(str(report.count(verdict) or "") for verdict in SEVERITY),
                      percent(report.floor) if report.floor is not None else "", f"{report.evaluations:,}",
                      f"{report.seconds:.2f}")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    print(whole.text(every_row))


def _run_self_test(arguments: argparse.Namespace, way: workers.Way | None) -> int:
    if arguments.problems < 1:
        raise ProblemRefused(f"--problems must be at least 1, got {arguments.problems}")
    dtypes = tuple(arguments.dtype or ("float64", "float32"))
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("self-test", total=arguments.problems * len(dtypes))
        result = self_test(arguments.problems, seed=arguments.seed, dtypes=dtypes, way=way,
                           progress=lambda done: progress.advance(task, done))
    if arguments.json:
        print(json.dumps(result))
    else:
        table = Table("dtype", "problems", "planted", "caught", "below the floor", "inconclusive", "false alarms",
                      "misses", "seconds")
        for dtype, tally in result["by_dtype"].items():
            table.add_row(dtype, *(str(tally[key]) for key in (
                "problems", "planted", "caught", "below_floor", "inconclusive", "false_alarms", "misses", "seconds")))
        Console().print(table)
        for dtype, tally in result["by_dtype"].items():
            print(*tally["offenders"], sep="\n", end="\n" if tally["offenders"] else "")
        print(f"{result['problems']} problems, {result['false_alarms']} false alarms, {result['misses']} misses, "
              f"{100 * result['inconclusive_share']:.1f} % inconclusive")
    return FAILED if result["false_alarms"] or result["misses"] else OK


def _share(text: str) -> float:
    """1% or 0.01."""
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*(%?)\s*", text)
    try:
        value = float(found[1]) / (100 if found[2] else 1) if found else float("nan")
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"a share between 0 and 100%, such as 1% or 0.01, got {text!r}")
    return value


def _seconds(text: str) -> float:
    """10s, 2m or 10."""
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(s|m|)\s*", text)
    value = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"a time such as 10s or 2m, got {text!r}")
    return value
