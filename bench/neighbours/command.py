"""Searches at up to a million slots: recall, time, rewriting, and memory, all methods and peers in turns.

Keys are 128 wide. `random`: uniform on the sphere, each query at a known cosine from one key. `clustered`: 4000
clusters with cosine 0.7 between two keys of one, queries drawn as keys are. `ratio_to_exact` is against NumPy alone,
a matrix product and argmax or argpartition, in the same turns; a
turn is as many calls as take 20 ms. `cpu_ms` and its ratio count the processor's time alone: the figure to read where
others use the same cores. Recall is against the exact search: `recall_at_1`, with
a 95 % interval (Wilson), is the share of queries whose nearest key is first, `recall_at_k` the share of the k nearest
that are among the k found.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import rich.console
import rich.progress
import rich.table
import threadpoolctl

from bench import measure
from bench.neighbours import pieces
from bench.neighbours.searchers import BUILDERS, PACKAGES, SLOW_TO_SEARCH, Searcher, TooSlow
from refmem.neighbours.fused import Fused

KEY_DIM, CLUSTERS, WITHIN = 128, 4000, 0.7
COSINES = (0.9, 0.7, 0.5)
REWRITTEN = 16
EXACT = ("numpy", "exact", "fused", "faiss-flat")
"""Their recall is looked at in 64 queries only: what they miss is a tie of rounding."""
TURN = 20.0
"""Milliseconds that a method searches before the next has its turn; at least one call."""
LARGE = 65536


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench neighbours`."""
    parser.add_argument("--memory-size", type=int, nargs="+", default=[8192, 65536, 1048576], metavar="M")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 256], metavar="B")
    parser.add_argument("--neighbours", type=int, nargs="+", default=[1, 256], metavar="K")
    parser.add_argument("--methods", nargs="+", choices=sorted(BUILDERS), metavar="NAME",
                        help=f"of {', '.join(BUILDERS)} (default: all that are installed; above {LARGE} slots without "
                             f"{SLOW_TO_SEARCH})")
    parser.add_argument("--data", nargs="+", choices=("random", "clustered"), default=["random", "clustered"])
    parser.add_argument("--cosine", type=float, nargs="+", default=list(COSINES), help="of the planted neighbours")
    parser.add_argument("--queries", type=int, default=1024, help="for the recall, at least 1000 (default: 1024)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each, in turns (default: 7)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seed", type=int, default=0, help="of keys, queries and indexes (default: 0)")
    parser.add_argument("--build-limit", type=float, default=300, metavar="SECONDS",
                        help="a peer that would take longer to build is left out, and named (default: 300)")
    parser.add_argument("--into", metavar="FILE",
                        help="keep the rows in this report, in the places of the old ones of the same cells")
    parser.add_argument("--plot", metavar="FILE", help="recall against time, all methods and peers")
    parser.add_argument("--stream", type=int, metavar="STEPS",
                        help="instead: a life of STEPS rows through a memory of the first --memory-size slots")
    parser.add_argument("--search", default="sketch", help="of the memory of --stream (default: sketch)")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of a table")


def main(options: argparse.Namespace) -> int:
    """Measure and print. Raises ValueError where an option or a peer is missing."""
    for name in ("memory_size", "batch", "neighbours", "threads"):
        if min(getattr(options, name)) < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, got {min(getattr(options, name))}")
    if options.rounds < 1 or options.queries < max(options.batch):
        raise ValueError("--rounds must be at least 1, and --queries at least as many as the largest --batch")
    if options.stream is not None:
        from bench.neighbours import stream

        return stream.main(options)
    if options.plot and find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib: pip install 'refmem[plot]'")
    missing = [name for name in options.methods or () if find_spec(PACKAGES.get(name, "numpy")) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be installed: pip install 'refmem[bench]'")

    before = measure.load()
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    stderr = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=stderr, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("measuring", total=None)
        for m in options.memory_size:
            for data in options.data:
                for threads in options.threads:
                    progress.update(task, description=f"{m} slots, {data}, {threads} threads")
                    with threadpoolctl.threadpool_limits(threads):
                        rows += cell(m, data, threads, options, left_out)
    for sentence in left_out:
        print(f"left out: {sentence}", file=sys.stderr)
    report = {"rows": rows, "seed": options.seed, "rounds": options.rounds, "queries": options.queries,
              "left_out": left_out,
              "load": {"before": before, "after": measure.load()},
              "versions": measure.versions("refmem", "numpy", "numba", "faiss-cpu", "hnswlib", "usearch")}
    kept = pieces.merge(report, options.into) if options.into else report
    if options.plot:
        from bench.neighbours import plot

        plot.draw(kept, options.plot)
    if options.json:
        print(json.dumps(report))
    else:
        show(rows)
    return 0


def cell(m: int, data: str, threads: int, options: argparse.Namespace, left_out: list[str]) -> list[dict[str, Any]]:
    """All rows of one memory: every method, cosine, k and batch size. Who takes too long to build is `left_out`."""
    rng = np.random.default_rng([options.seed, m])
    keys, query_sets = DATA[data](rng, m, options)
    names = options.methods or [name for name in BUILDERS if find_spec(PACKAGES.get(name, "numpy"))
                                and (m <= LARGE or name != SLOW_TO_SEARCH)]
    methods = {}
    for name in dict.fromkeys(["numpy", *names]):
        try:
            methods[name] = BUILDERS[name](keys, threads, options.seed, options.build_limit)
        except TooSlow as error:
            left_out.append(f"{name} at {m} slots, {data}, {threads} threads: {error}")
    names = [name for name in names if name in methods]
    rows = []
    for cosine, queries in query_sets.items():
        wanted, _ = Fused(keys, threads=threads).search(queries, min(m, max(options.neighbours)))
        for k in (k for k in options.neighbours if k <= m):
            recalls = {name: recall(method, queries[:64 if name in EXACT else None], wanted[:, :k])
                       for name, method in methods.items()}
            for batch in options.batch:
                took, cpu = times(methods, queries, k, batch, options.rounds)
                rows += [{"method": name, "m": m, "B": batch, "k": k, "data": data, "cosine": cosine,
                          "threads": threads, **recalls[name], "ms": took[name],
                          "ratio_to_exact": took["numpy"] / took[name],
                          "cpu_ms": cpu[name], "cpu_ratio_to_exact": cpu["numpy"] / cpu[name],
                          "bytes": methods[name].nbytes(), "key_bytes": keys.nbytes} for name in names]
    rewritten = {name: rewriting(method, keys, options) for name, method in methods.items()}  # last: it changes keys
    return [row | rewritten[row["method"]] for row in rows]


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def random_keys(rng: np.random.Generator, m: int, options: argparse.Namespace) -> tuple[np.ndarray, dict[Any, Any]]:
    """Uniform keys, and for each cosine queries at that cosine from keys picked at random."""
    keys = unit(rng.standard_normal((m, KEY_DIM), dtype=np.float32))
    queries = {}
    for cosine in options.cosine:
        planted = keys[rng.integers(0, m, options.queries)]
        aside = rng.standard_normal(planted.shape, dtype=np.float32)
        aside = unit(aside - (aside * planted).sum(axis=1, keepdims=True) * planted)
        queries[cosine] = unit(np.float32(cosine) * planted + np.float32(np.sqrt(1 - cosine ** 2)) * aside)
    return keys, queries


def clustered_keys(rng: np.random.Generator, m: int, options: argparse.Namespace) -> tuple[np.ndarray, dict[Any, Any]]:
    """sqrt(WITHIN) centre + sqrt(1 - WITHIN) noise: cosine WITHIN in a cluster. Queries are drawn so too."""
    centres = unit(rng.standard_normal((CLUSTERS, KEY_DIM), dtype=np.float32))

    def draw(n: int) -> np.ndarray:
        noise = rng.standard_normal((n, KEY_DIM), dtype=np.float32) * np.float32(np.sqrt((1 - WITHIN) / KEY_DIM))
        return unit(np.float32(np.sqrt(WITHIN)) * centres[rng.integers(0, CLUSTERS, n)] + noise)

    return draw(m), {None: draw(options.queries)}


DATA = {"random": random_keys, "clustered": clustered_keys}


def recall(method: Searcher, queries: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """recall_at_1 with its interval, and recall_at_k."""
    k, step = wanted.shape[1], 64
    wanted = wanted[:len(queries)]
    found = np.concatenate([method.search(queries[i:i + step], k) for i in range(0, len(queries), step)])
    first = float((found[:, 0] == wanted[:, 0]).mean())
    among = float(np.mean([np.isin(row, right).sum() / k for row, right in zip(found, wanted, strict=True)]))
    low, high = wilson(first, len(queries))
    return {"recall_at_1": first, "recall_at_1_low": low, "recall_at_1_high": high, "recall_at_k": among}


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in n trials."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def times(methods: dict[str, Searcher], queries: np.ndarray, k: int, batch: int,
          rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds of a batch, for each method, as `in_turns`. Every call has other queries."""
    starts = np.random.default_rng(rounds).integers(0, len(queries) - batch + 1, 4096).tolist()

    def caller(method: Searcher) -> Callable[[int], object]:
        return lambda call: method.search(queries[starts[call % 4096]:][:batch], k)

    return in_turns({name: caller(method) for name, method in methods.items()}, rounds)


def rewriting(method: Searcher, keys: np.ndarray, options: argparse.Namespace) -> dict[str, float | None]:
    """The median microseconds of rewriting 16 slots."""
    if method.update is None:
        return {"update_us": None, "update_cpu_us": None}
    rng = np.random.default_rng(options.seed + 1)
    update, slots = method.update, [rng.choice(len(keys), REWRITTEN, replace=False) for _ in range(64)]
    new = [unit(rng.standard_normal((REWRITTEN, KEY_DIM), dtype=np.float32)) for _ in range(64)]
    took, cpu = in_turns({"update": lambda call: update(slots[call % 64], new[call % 64])}, options.rounds)
    return {"update_us": took["update"] * 1e3, "update_cpu_us": cpu["update"] * 1e3}


def in_turns(functions: dict[str, Callable[[int], object]],
             rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds of a call of each function, by the clock and of the processor, called in turns."""
    calls, cpu = {}, {name: [] for name in functions}
    for name, function in functions.items():
        function(0)
        start = time.perf_counter()
        function(1)
        calls[name] = max(1, int(TURN / 1e3 / (time.perf_counter() - start)))

    def turn(name: str) -> None:
        start = time.process_time()
        for call in range(calls[name]):
            functions[name](call)
        cpu[name].append((time.process_time() - start) * 1e3 / calls[name])

    took = measure.medians(list(measure.in_turns({name: lambda name=name: turn(name) for name in functions}, rounds)))
    return ({name: took[name] / calls[name] for name in functions},
            {name: float(np.median(each[1:])) for name, each in cpu.items()})


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rows as a table."""
    table = rich.table.Table()
    columns = ("method", "m", "B", "k", "data", "cosine", "threads", "recall_at_1", "recall_at_k", "ms",
               "ratio_to_exact", "cpu_ratio_to_exact", "update_us", "bytes")
    for column in columns:
        table.add_column(column, no_wrap=column == "method", justify="left" if column == "method" else "right")
    for row in rows:
        table.add_row(*(f"{row[name]:.4g}" if isinstance(row[name], float) else str(row[name]) for name in columns))
    rich.console.Console(markup=False, width=None if sys.stdout.isatty() else 180).print(table)
