"""What share of a training step the memory takes: an encoder-decoder, without one and with a full one.

The step is that of the bench `models`: 2 layers of 256 units, 64 sentences of 20 tokens, forward and backward, float32.
The memory is filled with random keys beforehand; it is asked and written at each of the 1,280 target tokens.
"""

import argparse
import json
import time
from typing import Any

import numpy as np
import threadpoolctl

from bench import measure
from reference_models.seq2seq import Seq2Seq
from reference_models.seq2seq.size import Size

SENTENCES, LENGTH, VOCABULARY = 64, 20, 4000
PACKAGES = ("refmem", "numpy", "numba")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench memory-share`."""
    parser.add_argument("--slots", type=int, nargs="+", default=[65_536, 500_000], metavar="M")
    parser.add_argument("--searches", nargs="+", default=["auto"], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of lines")


def main(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.rounds < 1 or min(options.slots) < 1:
        raise ValueError("--rounds and --slots must be at least 1")
    before = measure.load()
    rows = [row(0, "exact", options.rounds, options.seed)]
    for slots in options.slots:
        rows += [row(slots, search, options.rounds, options.seed) for search in options.searches]
    for one in rows[1:]:
        one["share"] = round(1 - rows[0]["milliseconds"] / one["milliseconds"], 3)
    if options.json:
        print(json.dumps({"rows": rows, "load_before": before, "seed": options.seed, "rounds": options.rounds,
                          "versions": measure.versions(*PACKAGES)}))
        return 0
    for one in rows:
        share = f", of which the memory takes {one['share']:.0%}" if "share" in one else ""
        print(f"{one['slots']:>9,} slots, {one['search']:7s} {one['milliseconds']:8.0f} ms a step{share}")
    return 0


def row(slots: int, search: str, rounds: int, seed: int) -> dict[str, Any]:
    """The median time of a step."""
    rng = np.random.default_rng(seed)
    model = Seq2Seq(Size(VOCABULARY, VOCABULARY), memory_size=slots, search=search, seed=seed)
    if model.memory is not None:
        state = model.memory.state.copy()
        state.keys[...] = rng.standard_normal(state.keys.shape, np.float32)
        state.keys /= np.linalg.norm(state.keys, axis=1, keepdims=True)
        state.values[...] = rng.integers(3, VOCABULARY, slots)
        state.ages[...] = rng.permutation(slots)
        model.memory.state = state
    source, target = rng.integers(3, VOCABULARY, (2, SENTENCES, LENGTH))
    took = []
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        for _ in range(rounds + 1):  # the first compiles
            start = time.perf_counter()
            _, cache = model.forward(source, target, training=True, rng=rng)
            model.backward(cache)
            took.append(1000 * (time.perf_counter() - start))
    name = "none" if model.memory is None else getattr(model.memory.index, "name", "exact")
    return {"slots": slots, "search": name, "milliseconds": round(float(np.median(took[1:])), 1)}
