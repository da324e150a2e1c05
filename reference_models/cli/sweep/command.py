"""`python -m reference_models sweep CONFIG`: one command for every point of a grid, on all cores or on a cluster.

    command = "omniglot"             # any command of this program that has --out and --json
    [fixed]                          # the same for all
    episodes = 500
    [grid]                           # every combination of these
    seed = [0, 1, 2]
    profile = ["paper", "tf2017"]

makes six runs `omniglot --episodes 500 --profile paper --seed 0 --out DIR/ID --json` and so on, each in a folder of its
own. `true` is a flag without a value, `false` leaves it out, and a list is several values.

Results stream into DIR/results.jsonl, one line a run, as they come. A sweep that is started again does what is still
missing. A run whose process or worker was killed is tried again; one that fails by itself is a result: it would fail
again. Two sweeps cannot work in one folder at once, so that nothing runs twice.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from reference_models.cli import options as parsers


def add_to(commands: Any) -> None:
    """Add the command to those of the program."""
    own = commands.add_parser("sweep", help="a grid of runs, on all cores or on a Dask cluster (extra cluster)",
                              formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    own.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file: command, [fixed], [grid]")
    own.add_argument("--out", type=Path, metavar="DIR", help="where results go (default: CONFIG without its ending)")
    own.add_argument("--jobs", type=parsers.positive(int), metavar="N",
                     help="runs side by side on this machine (default: the number of cores)")
    own.add_argument("--dask", metavar="ADDRESS", help="work on the Dask cluster of this scheduler: tcp://host:8786")
    own.add_argument("--retries", type=parsers.natural, default=2, metavar="N",
                     help="how often a killed run is tried again (default: 2)")
    own.add_argument("--json", action="store_true", help="one object on stdout instead of a table")
    own.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run what is missing, and print the table of all."""
    import rich.console
    import rich.progress

    from refmem import workers

    from reference_models.cli.sweep import job, points

    grid = points.load(options.config)
    folder = options.out or options.config.with_suffix("")
    with job.Folder(folder) as results:
        missing = [point for point in grid.points if point.id not in results.done]
        # Threads will do on this machine: each run is a process of its own.
        way = workers.on_dask(options.dask, options.retries) if options.dask else \
            workers.on_cores(options.jobs, threads=True)
        stderr = rich.console.Console(stderr=True)
        with rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("runs", total=len(grid.points), completed=len(grid.points) - len(missing))
            for result in job.results(way, missing, options.retries, folder):
                results.add(result)
                progress.advance(task)
        rows = [results.done[point.id] for point in grid.points]
    failed = sum(row["error"] is not None for row in rows)
    report = {"command": grid.command, "runs": rows, "done": len(rows) - failed, "failed": failed,
              "ran_now": len(missing), "results": str(folder / job.RESULTS)}
    print(json.dumps(report)) if options.json else show(report)
    if failed:
        raise ValueError(f"{failed} of {len(rows)} runs failed; {report['results']} says why")


def show(report: dict[str, Any]) -> None:
    """The table for people: what differs, and every number of a result that is not buried in another."""
    import rich.console
    import rich.table
    from rich.markup import escape

    rows = report["runs"]
    varied = sorted({name for row in rows for name in row["point"]})
    figures = sorted({name for row in rows for name, value in (row["result"] or {}).items()
                      if isinstance(value, int | float) and not isinstance(value, bool) and name not in varied})
    table = rich.table.Table(*varied, *figures, "error", title=f"{report['command']}: {report['done']} runs")
    for row in rows:
        result = row["result"] or {}
        shown = [result.get(name) for name in figures]
        table.add_row(*(escape(str(row["point"].get(name, ""))) for name in varied),
                      *(f"{value:.6g}" if isinstance(value, int | float) else "" for value in shown),
                      escape(row["error"] or ""))
    rich.console.Console(width=None if sys.stdout.isatty() else 160).print(table)
