"""Data-parallel work on a few cores: the batch in shards, each in a Python thread with one BLAS thread of its own.

NumPy lets go of the interpreter lock inside its loops, so that the shards run side by side, elementwise passes and
all. One pool of threads at a time: BLAS is held to one thread meanwhile. (Measured: faster than one shard on a BLAS
with as many threads.)

What comes out does not depend on the number of cores or on who finishes first: the number of shards is fixed by the
caller, a shard is computed by one thread, and the results are added in the order of the shards.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import TypeVar

import threadpoolctl

from refmem.arrays import Array

Item = TypeVar("Item")
Result = TypeVar("Result")


def split(batch: int, shards: int) -> list[slice]:
    """The rows 0 .. batch-1 in at most `shards` slices without a gap, none empty, whose lengths differ by at most one.

    An empty batch is one empty slice.

    Raises
    ------
    ValueError
        If `shards` is less than 1.
    """
    if shards < 1:
        raise ValueError(f"shards must be at least 1, got {shards}")
    shards = max(1, min(shards, batch))
    bounds = [batch * i // shards for i in range(shards + 1)]
    return [slice(start, stop) for start, stop in zip(bounds, bounds[1:], strict=False)]


def run(work: Callable[[Item], Result], shards: Iterable[Item]) -> list[Result]:
    """`[work(shard) for shard in shards]`, on all cores. An error in a shard is raised here.

    `work` must not change anything that another shard reads.
    """
    items = list(shards)
    with _libraries().limit(limits=1):
        helped = [_helpers().submit(work, item) for item in items[1:]]
        try:
            results = [work(item) for item in items[:1]]
            # The caller works too: what no helper has begun by now, it takes itself.
            results += [work(item) if future.cancel() else future.result()
                        for item, future in zip(items[1:], helped, strict=True)]
        finally:
            for future in helped:
                future.cancel()
    return results


def one_pool() -> AbstractContextManager[object]:
    """A context in which BLAS has one thread, for what is done between two calls of `run`.

    A BLAS thread that was given work goes on to wait for more in a loop, some tens of milliseconds, on a core that the
    shards want.
    """
    limited: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limited


def add(gradients: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """The sum of the shards' gradients, name by name, in the order given.

    It is made in the arrays of the first shard, which nobody else looks at.
    """
    total, *others = gradients
    for gradient in others:
        for name, array in gradient.items():
            total[name] += array
    return total


@cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


@cache
def _helpers() -> ThreadPoolExecutor:
    """One thread fewer than there are cores: the caller is the other one."""
    return ThreadPoolExecutor(max(1, _cores() - 1), thread_name_prefix="shard")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # the cores this process may use, where the system says
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
