"""A life-long stream through a full memory: does the index still agree with the exact search at the end?

Every batch rewrites 16 slots: half of its rows are new (the oldest slots go), half return near a stored key (which is
averaged). At regular steps the answer that the memory gives is held against the exact search over the same keys.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import rich.console
import rich.progress

from bench import measure
from refmem.memory import PAPER, Memory, MemoryState
from refmem.neighbours import exact

KEY_DIM, BATCH, SAMPLES, NEAR = 128, 16, 30, 0.8


def resident_mib() -> float:
    """Memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2 ** 20


def main(options: argparse.Namespace) -> int:
    """Run the stream and print the report; exit code 1 where the answers agree on less than 99 %."""
    report = live(options.memory_size[0], options.stream, options.search, options.seed)
    print(json.dumps(report) if options.json else "\n".join(f"{name}: {value}" for name, value in report.items()))
    return 0 if min(report["agreement_first_tenth"], report["agreement_last_tenth"]) >= 0.99 else 1


def live(m: int, steps: int, search: str, seed: int) -> dict:
    """`steps` rows through a full memory of m slots."""
    if steps < 10 * BATCH:
        raise ValueError(f"--stream must be at least {10 * BATCH} steps, got {steps}")
    rng = np.random.default_rng(seed)
    memory = Memory(KEY_DIM, m, profile=PAPER, dtype=np.float32, search=search, seed=seed)
    memory.state = MemoryState(keys=sphere(rng, m), values=np.arange(m), ages=rng.permutation(m),
                               sources=np.full(m, -1))
    batches = steps // BATCH
    every = max(1, batches // (10 * SAMPLES))  # SAMPLES batches of each tenth of the life
    agreed: list[tuple[int, float]] = []
    resident: list[float] = []
    took, next_label = 0.0, m
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, disable=not sys.stderr.isatty()) as progress:
        for batch in progress.track(range(batches), description=f"{steps} steps, {m} slots, {search}"):
            returning = rng.integers(0, m, BATCH // 2)
            stored = memory.state.keys[returning]
            again = NEAR * stored + np.sqrt(1 - NEAR ** 2) * sphere(rng, len(stored))
            queries = np.concatenate([again, sphere(rng, BATCH - len(stored))]).astype(np.float32)
            labels = np.concatenate([memory.state.values[returning],
                                     next_label + np.arange(BATCH - len(stored))])
            next_label += BATCH - len(stored)
            if batch % every == 0:
                agreed.append((batch, agreement(memory, queries[:len(stored)])))
                resident.append(resident_mib())
            start = time.perf_counter()
            memory.forward(queries, labels)
            took += time.perf_counter() - start
    tenth = batches / 10
    return {
        "m": m, "steps": batches * BATCH, "search": memory.index.name if memory.index else "exact", "seed": seed,
        "sampled_answers": len(agreed) * (BATCH // 2),
        "agreement_first_tenth": float(np.mean([share for batch, share in agreed if batch < tenth])),
        "agreement_last_tenth": float(np.mean([share for batch, share in agreed if batch >= 9 * tenth])),
        "agreement": float(np.mean([share for _, share in agreed])),
        "resident_mib_after_first_tenth": resident[len(resident) // 10], "resident_mib_at_the_end": resident_mib(),
        "ms_a_batch": took / batches * 1e3, "load": measure.load(),
    }


def agreement(memory: Memory, queries: np.ndarray) -> float:
    """The share of queries that the memory answers as the exact search over its keys does."""
    answers = memory.forward(queries, update=False)[0].values
    unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    nearest, _ = exact.search(unit, memory.state.keys, 1)
    return float((answers == memory.state.values[nearest[:, 0]]).mean())


def sphere(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random unit vectors."""
    x = rng.standard_normal((n, KEY_DIM), dtype=np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)
