"""One step of a full memory under the paper's rules: query, loss, backward, update."""

import itertools
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from refmem.memory.memory import Memory
from refmem.memory.state import MemoryState

from bench.workloads import THREADS, Step, Workload, cupy_device, torch_with

SLOTS, WIDTH, CLASSES = 8192, 128, 1024
BATCHES = 16  # different ones, in turn


def data(batch: int, seed: int, slots: int) -> tuple[MemoryState, list[tuple[np.ndarray, np.ndarray]]]:
    """A full memory, and batches of queries that lie near a stored key; most labels are right."""
    rng = np.random.default_rng(seed)
    keys = rng.standard_normal((slots, WIDTH)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    values = rng.integers(0, CLASSES, slots)
    state = MemoryState(keys, values, rng.permutation(slots).astype(np.int64), np.full(slots, -1, np.int64))
    batches = []
    for _ in range(BATCHES):
        near = rng.integers(0, slots, batch)
        queries = keys[near] + 0.05 * rng.standard_normal((batch, WIDTH)).astype(np.float32)
        labels = np.where(rng.random(batch) < 0.75, values[near], rng.integers(0, CLASSES, batch))
        batches.append((queries.astype(np.float32), labels))
    return state, batches


def ours(batch: int, seed: int, slots: int = SLOTS, xp: ArrayModule = np) -> Step:
    """Ours."""
    state, batches = data(batch, seed, slots)
    module = Memory(WIDTH, slots, dtype=np.float32, xp=xp)
    module.state = MemoryState(**{name: xp.asarray(array) for name, array in state.arrays().items()})
    turn = itertools.cycle([(xp.asarray(queries), xp.asarray(labels)) for queries, labels in batches])

    def step() -> dict[str, Any]:
        queries, labels = next(turn)
        output, cache = module.forward(queries, labels)
        d_queries, _ = module.backward(cache)
        if xp is not np:
            xp.cuda.Device().synchronize()
        return {"loss": output.loss, "d_queries": d_queries}

    return step


def on_cupy(batch: int, seed: int, slots: int = SLOTS) -> Step:
    """Ours on the GPU."""
    return ours(batch, seed, slots, cupy_device())


def theirs(batch: int, seed: int, slots: int = SLOTS) -> Step:
    """PyTorch's."""
    torch = torch_with(THREADS)
    from bench import peers

    state, batches = data(batch, seed, slots)
    module = peers.Memory(state)
    turn = itertools.cycle([(torch.from_numpy(queries), torch.from_numpy(labels)) for queries, labels in batches])

    def step() -> dict[str, Any]:
        loss, d_queries = module.step(*next(turn))
        return {"loss": loss, "d_queries": d_queries}

    return step


WORKLOADS = (
    Workload("memory", "a memory step: 8192 x 128, k = 256; query, loss, backward, update",
             sides={"ours": ours, "cupy": on_cupy, "torch": theirs}, batches=(16,),
             growth={"slots": (2048, 8192, 32768, 131072), "batch": (4, 16, 64)}),
)
