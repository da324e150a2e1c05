"""How often a trained Neural GPU is right: at the lengths it was trained on, and far beyond them."""

from collections.abc import Sequence

import numpy as np

from refmem.arrays import Array

from reference_models.neural_gpu import Size
from reference_models.neural_gpu.evaluation import Measured, measure
from reference_models.tasks.algorithms import Task, carry_chains
from reference_models.training.progress import Report


def trained_lengths(params: dict[str, Array], task: Task, longest: int, sequences: int, size: Size,
                    rng: np.random.Generator, shards: int = 2) -> list[Measured]:
    """About `sequences` in all, as many of each length that was trained on."""
    lengths = task.lengths(longest)
    each = -(-sequences // len(lengths))
    rows = []
    with Report("measuring at trained lengths") as report:
        for number, length in enumerate(lengths):
            rows.append(measure(params, *task.batch(length, each, rng), size, shards=shards))
            report.show((number + 1) / len(lengths), {"length": length, "right": rows[-1].share})
    return rows


def beyond(params: dict[str, Array], task: Task, lengths: Sequence[int], sequences: int, size: Size,
           rng: np.random.Generator, shards: int = 2) -> list[Measured]:
    """Random sequences of each length and, for addition, as many in which carries travel far."""
    rows = []
    for length in lengths:
        with Report(f"measuring at length {length}") as report:
            rows.append(measure(params, *task.batch(length, sequences, rng), size, shards=shards,
                                progress=report.show))
        if task.name == "badd":
            with Report(f"measuring long carries at length {length}") as report:
                inputs, targets = carry_chains(length // 2, sequences, rng)
                rows.append(measure(params, inputs, targets, size, kind="carry chains", shards=shards,
                                    progress=report.show))
    return rows
