"""How long verification takes: our own reference against all vectors, and how many planted mistakes it would catch."""

import argparse
import json
import sys
import time
from typing import Any

import rich.console
import rich.progress
import rich.table

from bench import measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench conform`."""
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Run all cases and print; exit code 1 where our own reference fails one."""
    from refmem.conformance import runner
    from refmem.conformance.case import load_all
    from refmem.conformance.reference import Reference

    cases = load_all()
    watch, stderr = measure.Watch(), rich.console.Console(stderr=True)
    start = time.perf_counter()
    with watch:
        shown = rich.progress.track(cases, "verifying", console=stderr, transient=True,
                                    disable=not sys.stderr.isatty())
        run = runner.conform(Reference(), shown)
    seconds = time.perf_counter() - start
    groups: dict[str, dict[str, Any]] = {}
    for result in run.results:
        group = groups.setdefault(result.case.group, {"cases": 0, "ms": 0.0})
        group["cases"] += 1
        group["ms"] = round(group["ms"] + 1e3 * result.seconds, 2)
    report = {"cases": len(cases), "seconds": seconds, "exit_code": run.exit_code, "groups": groups,
              "commit": measure.commit(), "versions": measure.versions("refmem", "numpy"), "warnings": watch.warnings()}
    if options.json:
        print(json.dumps(report))
    else:
        table = rich.table.Table("group", "cases", "ms")
        for name, group in sorted(groups.items()):
            table.add_row(name, str(group["cases"]), f"{group['ms']:.1f}")
        console = rich.console.Console(width=None if sys.stdout.isatty() else 120)
        console.print(table)
        console.print(f"{len(cases)} cases in {seconds:.2f} s", highlight=False)
    return 1 if run.exit_code else 0
