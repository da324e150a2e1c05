"""Fast paths beside the plain ones: how well they agree, and how fast they are, here and now.

    refmem twins                          every fast path at its default size
    refmem twins --memory-size 65536      the searches at another size

Agreement is the share of queries with the same nearest neighbour, for queries with one stored key at cosine 0.7; the
difference is the largest one between the cosines of the same slots. Times are medians, in turns with the plain path.
A fast path that agrees less than it must ends the command with exit code 1.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from refmem.arrays import Array
from refmem.neighbours import exact, make

HELP = "the fast paths: agreement and speed"

MUST_AGREE = {"fused": 1.0, "hyperplanes": 0.90, "sketch": 0.98, "buckets": 0.95}
MUST_DIFFER_LESS = 1e-5
KEY_DIM, QUERIES, BATCH, ROUNDS = 128, 256, 16, 5
SLOW_FROM = 65537
"""Slots from which `hyperplanes`, which is there to be read, is left out."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `refmem twins`."""
    parser.add_argument("--memory-size", type=int, default=16384, metavar="M", help="slots (default: 16384)")
    parser.add_argument("--neighbours", type=int, default=1, metavar="K", help="neighbours asked for (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="of the fast paths (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the keys and queries (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Run `refmem twins`."""
    m, k = arguments.memory_size, arguments.neighbours
    if m < BATCH:
        raise ValueError(f"--memory-size must be at least {BATCH}, got {m}")
    rows = searches(m, k, arguments.threads, arguments.seed)
    report = {"twins": rows, "memory_size": m, "neighbours": k, "threads": arguments.threads, "seed": arguments.seed,
              "numpy": np.__version__}
    if arguments.json:
        print(json.dumps(report))
    else:
        show(report, rows)
    return 0 if all(row["agrees"] for row in rows) else 1


def searches(m: int, k: int, threads: int, seed: int) -> list[dict[str, object]]:
    """One row for each compiled or approximate search."""
    rng = np.random.default_rng(seed)
    keys = unit(rng.normal(size=(m, KEY_DIM)))
    planted = keys[rng.integers(0, m, QUERIES)]
    aside = rng.normal(size=planted.shape)
    aside = unit(aside - (aside * planted).sum(axis=1, keepdims=True) * planted)
    queries = unit(0.7 * planted + np.sqrt(1 - 0.7 ** 2) * aside)

    rows: list[dict[str, object]] = []
    wanted, _ = exact.search(queries, keys, k)
    for name, least in MUST_AGREE.items():
        if name == "hyperplanes" and m >= SLOW_FROM:
            continue
        index = make(name, keys, seed=seed, threads=threads)
        slots, cosines = index.search(queries, k)
        agreement = float((slots[:, 0] == wanted[:, 0]).mean())
        recomputed = np.einsum("bd,bkd->bk", queries.astype(np.float64), keys[slots].astype(np.float64))
        difference = float(np.abs(recomputed - cosines).max())
        batch = queries[:BATCH]
        plain_ms, fast_ms = medians(lambda: exact.search(batch, keys, k), lambda: index.search(batch, k))
        rows.append({"twin": f"neighbours.{name}", "plain": "neighbours.exact", "agreement": agreement,
                     "must_agree": least, "difference": difference, "plain_ms": plain_ms, "ms": fast_ms,
                     "ratio": plain_ms / fast_ms, "bytes_of_keys": index.nbytes() / keys.nbytes,
                     "agrees": agreement >= least and difference <= MUST_DIFFER_LESS})
    return rows


def unit(x: Array) -> Array:
    """Rows of length 1, in float32."""
    scaled: Array = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def medians(*functions: Callable[[], object]) -> list[float]:
    """Milliseconds of each function, called in turns; the first turn is not counted."""
    took: list[list[float]] = []
    for _ in range(ROUNDS + 1):
        turn = []
        for function in functions:
            start = time.perf_counter()
            function()
            turn.append((time.perf_counter() - start) * 1e3)
        took.append(turn)
    return [float(median) for median in np.median(took[1:], axis=0)]


def show(report: dict[str, object], rows: list[dict[str, object]]) -> None:
    """Print the table."""
    table = Table(title=f"{report['memory_size']} slots, {KEY_DIM} wide, {BATCH} queries at a time, "
                        f"k = {report['neighbours']}", title_justify="left")
    for column in ("twin of neighbours.exact", "agreement", "must be", "difference", "plain ms", "ms", "ratio",
                   "tables / keys"):
        table.add_column(column, no_wrap=column.startswith("twin"),
                         justify="left" if column.startswith("twin") else "right")
    for row in rows:
        table.add_row(str(row["twin"]), f"{row['agreement']:.4f}", f"{row['must_agree']:.2f}",
                      f"{row['difference']:.1e}", f"{row['plain_ms']:.3f}", f"{row['ms']:.3f}", f"{row['ratio']:.1f}x",
                      f"{row['bytes_of_keys']:.1%}")
    Console(markup=False).print(table)
