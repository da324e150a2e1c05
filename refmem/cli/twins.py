"""Fast paths beside the plain ones: how well they agree, and how fast they are, here and now.

    refmem twins                                    every fast path
    refmem twins --only 'ops.conv2d*'               some of them
    refmem twins --only 'neighbours.*' --memory-size 65536

A search agrees with the exact one where it finds the same nearest neighbour, for queries with one stored key at cosine
0.7. An operation, forwards and backwards, agrees where no number in float64 differs by more than stated, in root mean
squares of the result it stands in; "rounding" is how much coarser that of float32 is. Times are medians, in turns with
the plain path. A fast path that agrees less than it must ends the command with exit code 1.
"""

import argparse
import fnmatch
import json

import numpy as np
import threadpoolctl
from rich.console import Console
from rich.progress import track
from rich.table import Table

from refmem.cli.fast_paths import operations, searches
from refmem.cli.fast_paths.searches import BATCH, KEY_DIM, Searches

HELP = "the fast paths: agreement and speed"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem twins`."""
    parser.add_argument("--only", default="*", metavar="PATTERN", help="fast paths, e.g. 'ops.*'; default: all")
    parser.add_argument("--memory-size", type=int, default=16384, metavar="M",
                        help="slots to search in (default: 16384)")
    parser.add_argument("--neighbours", type=int, default=1, metavar="K", help="neighbours asked for (default: 1)")
    parser.add_argument("--threads", type=int, default=1,
                        help="of the searches, and of BLAS in all that is measured (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem twins`."""
    m, k, threads, seed = arguments.memory_size, arguments.neighbours, arguments.threads, arguments.seed
    if threads < 1:
        raise ValueError(f"--threads must be at least 1, got {threads}")
    if seed < 0:
        raise ValueError(f"--seed must be at least 0, got {seed}")
    rows: list[dict[str, object]] = []
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        found = Searches(m, k, threads, seed)
        known = searches.names(m) + list(operations.TWINS)
        asked = [name for name in known if fnmatch.fnmatchcase(name, arguments.only)]
        if not asked:
            raise ValueError(f"no fast path is called {arguments.only!r}; there are {', '.join(known)}")
        console = Console(stderr=True)
        for name in track(asked, "measuring", console=console, transient=True, disable=not console.is_terminal):
            rows.append(found.row(name) if name.startswith("neighbours.") else operations.row(name, seed))
    if arguments.json:
        print(json.dumps({"twins": rows, "memory_size": m, "neighbours": k, "threads": threads, "seed": seed,
                          "numpy": np.__version__}))
    else:
        of_searches = [row for row in rows if "agreement" in row]
        of_operations = [row for row in rows if "rounding" in row]
        if of_searches:
            show_searches(of_searches, f"{m} slots, {KEY_DIM} wide, {BATCH} queries at a time, k = {k}")
        if of_operations:
            show_operations(of_operations)
    return 0 if all(row["agrees"] for row in rows) else 1


def show_searches(rows: list[dict[str, object]], title: str) -> None:
    """Print their table."""
    table = _table(title, "twin of neighbours.exact", "agreement", "must be", "difference", "plain ms", "ms", "ratio",
                   "tables / keys")
    for row in rows:
        table.add_row(str(row["twin"]), f"{row['agreement']:.4f}", f"{row['must_agree']:.2f}",
                      f"{row['difference']:.1e}", f"{row['plain_ms']:.3f}", f"{row['ms']:.3f}", f"{row['ratio']:.1f}x",
                      f"{row['bytes_of_keys']:.1%}")
    Console(markup=False).print(table)


def show_operations(rows: list[dict[str, object]]) -> None:
    """Print their table."""
    table = _table("forward and backward, float32", "twin", "of", "difference", "must be below", "rounding", "plain ms",
                   "ms", "ratio")
    for row in rows:
        table.add_row(str(row["twin"]), f"{row['plain']}: {row['size']}", f"{row['difference']:.1e}",
                      f"{row['must_differ_less']:.0e}", f"{row['rounding']:.1f}x", f"{row['plain_ms']:.2f}",
                      f"{row['ms']:.2f}", f"{row['ratio']:.1f}x")
    Console(markup=False).print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        name = column.startswith("twin")
        table.add_column(column, no_wrap=name, justify="left" if name or column == "of" else "right")
    return table
