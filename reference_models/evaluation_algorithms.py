"""How often a trained Neural GPU is right: at the lengths it was trained on, and far beyond them.

A sequence is right where every symbol is, padding and all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from refmem.arrays import Array

from reference_models import neural_gpu
from reference_models.neural_gpu import Size
from reference_models.tasks.algorithms import Symbols, Task, carry_chains
from reference_models.training import data_parallel
from reference_models.training.progress import Report

AT_ONCE = 4096  # positions of all images of a shard together


@dataclass(frozen=True)
class Measured:
    """Of the sequences of one length and kind."""

    length: int
    kind: str  # "random", or "carry chains"
    sequences: int
    right: int
    symbols_right: float  # share of all symbols

    @property
    def share(self) -> float:
        """Of sequences that are fully right."""
        return self.right / self.sequences


def answers(params: dict[str, Array], inputs: Symbols, size: Size, *, conv: str = "winograd", shards: int = 2,
            progress: Callable[[float], object] | None = None) -> Symbols:
    """The network's answers [B, n], a few sequences at a time, side by side."""
    at_once = max(1, AT_ONCE // inputs.shape[1]) * shards
    found = []
    for start in range(0, len(inputs), at_once):
        some = inputs[start:start + at_once]
        done = data_parallel.run(lambda rows: neural_gpu.answer(params, some[rows], size, conv=conv),
                                 data_parallel.split(len(some), shards))
        found += done
        if progress is not None:
            progress((start + len(some)) / len(inputs))
    return np.concatenate(found)


def measure(params: dict[str, Array], inputs: Symbols, targets: Symbols, size: Size, *, kind: str = "random",
            shards: int = 2, progress: Callable[[float], object] | None = None) -> Measured:
    """Hold the answers to `inputs` against `targets`, both [B, n]."""
    agree = answers(params, inputs, size, shards=shards, progress=progress) == targets
    return Measured(inputs.shape[1], kind, len(inputs), int(agree.all(axis=1).sum()), float(agree.mean()))


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
