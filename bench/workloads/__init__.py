"""What is measured, by name. A workload is one step of some work, done by us and by its peers from the same numbers.

To add one: write `bench/workloads/NAME.py` with a tuple `WORKLOADS`, and its line in `FILES`. Everything else follows
from it: the ratio of `python -m bench models`, its peak memory in a process of its own, how its cost grows, `bench
compare`, and a test that all sides compute the same.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from refmem.arrays import ArrayModule, device

FILES = {  # workload: the module that has it, so that nobody else's is imported to run it
    "cnn": "bench.workloads.cnn",
    "fast_weights_50": "bench.workloads.fast_weights",
    "fast_weights_100": "bench.workloads.fast_weights",
    "fast_weights_matrix_50": "bench.workloads.fast_weights",
    "fast_weights_matrix_100": "bench.workloads.fast_weights",
    "memory": "bench.workloads.memory",
    "memory_tf2017": "bench.workloads.memory",
    "neural_gpu_20": "bench.workloads.neural_gpu",
    "neural_gpu_40": "bench.workloads.neural_gpu",
    "seq2seq": "bench.workloads.seq2seq",
}

THREADS = 2
"""Of NumPy's BLAS and of PyTorch, unless a workload says otherwise."""

Step = Callable[[], Mapping[str, Any]]
"""One step of the work. It returns its results by name, as arrays of its own library: the same names, shapes and (at
the first call) numbers on every side. On a GPU it waits until the work is done."""

Make = Callable[..., Step]
"""`make(batch, seed, **sizes)` prepares everything and returns the step. `sizes` are the names in `Workload.growth`,
each with a default."""


@dataclass(frozen=True)
class Workload:
    """One line of the report."""

    name: str
    """As in `FILES`."""

    about: str
    """What one step does, in a few words."""

    sides: Mapping[str, Make]
    """Who can do it. "ours" always, and "torch" is what it is held against; others by the names in `HERE`."""

    batches: tuple[int, ...]
    """Batch sizes of the report."""

    goal: float = 1.0
    """Our time / PyTorch's shall be no more than this."""

    memory_goal: float = 0.5
    """Our peak memory / PyTorch's shall be no more than this."""

    threads: int = THREADS
    """BLAS threads of ours; PyTorch's side sets its own with `torch_with`."""

    growth: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """How the cost grows: for "batch" and for each size that `make` takes, the values to measure it at."""

    growth_batch: int = 16
    """Batch while another size grows."""

    tolerance: float = 2e-3
    """How far our results may lie from a peer's, relative to the largest of the array (both round in float32)."""


HERE: dict[str, Callable[[], bool]] = {
    "ours": lambda: True,
    "plain": lambda: True,  # ours without fast twins
    "compiled": lambda: True,  # ours, the compiled twin
    "cupy": lambda: cupy_device(),
    "torch": lambda: find_spec("torch") is not None,
    "torch_channels_last": lambda: find_spec("torch") is not None,
    "torch_gpu": lambda: find_spec("torch") is not None and torch_with(THREADS).cuda.is_available(),
}
"""Side -> whether this machine has it."""


def find(name: str) -> Workload:
    """The workload of this name. Raises ValueError where there is none."""
    if name not in FILES:
        raise ValueError(f"there is no workload {name!r}; there are {', '.join(FILES)}")
    return next(workload for workload in importlib.import_module(FILES[name]).WORKLOADS if workload.name == name)


def sides_here(workload: Workload) -> list[str]:
    """The sides of a workload that can run on this machine."""
    return [side for side in workload.sides if HERE[side]()]


def torch_with(threads: int = THREADS) -> Any:
    """PyTorch, held to so many threads."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    return torch


def on_cupy(make: Callable[..., Step]) -> Make:
    """The side "cupy" of a workload: `make` with `xp`, ours, on the GPU."""
    @functools.wraps(make)
    def side(batch: int, seed: int, **sizes: Any) -> Step:
        return make(batch, seed, **sizes, xp=cupy_device())

    return side


def finish(xp: Any) -> None:
    """Wait until the GPU of CuPy, or of PyTorch, has done what it was given; nothing where there is none."""
    if xp.__name__ == "cupy":
        xp.cuda.Device().synchronize()
    elif xp.__name__ == "torch" and xp.cuda.is_available():
        xp.cuda.synchronize()


def cupy_device() -> ArrayModule | None:
    """CuPy where it is installed and has a GPU, else None."""
    try:
        return device("gpu")
    except (ModuleNotFoundError, ValueError):
        return None
