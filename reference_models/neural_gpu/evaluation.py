"""How often a trained Neural GPU is right. A sequence is right where every symbol is, padding and all."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refmem.arrays import Array, module_of, to_host

from reference_models import neural_gpu
from reference_models.neural_gpu import Size
from reference_models.parallel import data_parallel
from reference_models.tasks.algorithms import Symbols

AT_ONCE = 1024  # positions of all images of a shard together, so that they stay in the cache: 1.3 times as fast as 4096
AT_ONCE_ON_A_GPU = 100_000


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


def fastest(params: dict[str, Array]) -> str:
    """The twin of the convolution for the device that the weights are on."""
    return "winograd" if module_of(params["embedding"]) is np else "columns"


def answers(params: dict[str, Array], inputs: Symbols, size: Size, *, conv: str | None = None, shards: int = 2,
            progress: Callable[[float], object] | None = None) -> Symbols:
    """The network's answers [B, n], a few sequences at a time, side by side; on a GPU, many."""
    xp, conv = module_of(params["embedding"]), conv or fastest(params)
    if xp is not np:
        shards = 1
    at_once = max(1, (AT_ONCE if xp is np else AT_ONCE_ON_A_GPU) // inputs.shape[1]) * shards
    found = []
    for start in range(0, len(inputs), at_once):
        some = inputs[start:start + at_once]
        done = data_parallel.run(lambda rows: neural_gpu.answer(params, xp.asarray(some[rows]), size, conv=conv),
                                 data_parallel.split(len(some), shards))
        found += [to_host(part) for part in done]
        if progress is not None:
            progress((start + len(some)) / len(inputs))
    return np.concatenate(found)


def measure(params: dict[str, Array], inputs: Symbols, targets: Symbols, size: Size, *, kind: str = "random",
            shards: int = 2, progress: Callable[[float], object] | None = None) -> Measured:
    """Hold the answers to `inputs` against `targets`, both [B, n]."""
    agree = answers(params, inputs, size, shards=shards, progress=progress) == targets
    return Measured(inputs.shape[1], kind, len(inputs), int(agree.all(axis=1).sum()), float(agree.mean()))
