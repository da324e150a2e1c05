"""One step of a full memory: query, loss, backward, update; under the paper's rules, and under the released code's.

That code projects its queries first, and counts the slot last written for a label among their neighbours.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from refmem.memory.memory import Memory
from refmem.memory.profiles import PAPER, TF2017, Profile
from refmem.memory.state import MemoryState

from bench.workloads import THREADS, Step, Workload, finish, on_cupy, torch_with

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


def released_data(batch: int, seed: int,
                  slots: int) -> tuple[MemoryState, list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """The same with a recent slot for each label, the queries before a projection [d, d], and the projection.

    The projection turns and shrinks, so that projected queries lie near a stored key as they do there.
    """
    state, batches = data(batch, seed, slots)
    state.recent = np.zeros(CLASSES, np.int64)
    state.recent[state.values] = np.arange(slots)
    turned, _ = np.linalg.qr(np.random.default_rng([seed, 1]).standard_normal((WIDTH, WIDTH)))
    projection = (0.1 * turned).astype(np.float32)
    return state, [(queries @ projection.T, labels) for queries, labels in batches], projection


def ours(batch: int, seed: int, slots: int = SLOTS, profile: Profile = PAPER, xp: ArrayModule = np) -> Step:
    """Ours. The noise on the ages is drawn where the profile has one."""
    module = Memory(WIDTH, slots, profile=profile, vocab_size=CLASSES, dtype=np.float32, xp=xp)
    if profile.query_projection:
        state, batches, projection = released_data(batch, seed, slots)
        module.params["query_projection"] = xp.asarray(projection)
    else:
        state, batches = data(batch, seed, slots)
    module.state = MemoryState(**{name: xp.asarray(array) for name, array in state.arrays().items()})
    turn = itertools.cycle([(xp.asarray(queries), xp.asarray(labels)) for queries, labels in batches])
    rng = np.random.default_rng(seed)

    def step() -> dict[str, Any]:
        queries, labels = next(turn)
        output, cache = module.forward(queries, labels, rng=rng)
        d_queries, d_params = module.backward(cache)
        finish(xp)
        return {"loss": output.loss, "d_queries": d_queries} | d_params

    return step


def theirs(batch: int, seed: int, slots: int = SLOTS, device: str = "cpu") -> Step:
    """PyTorch's."""
    torch = torch_with(THREADS)
    from bench.peers.memory import Memory as Peer

    state, batches = data(batch, seed, slots)
    module, turn = Peer(state, device), tensors(batches, torch, device)

    def step() -> dict[str, Any]:
        loss, d_queries = module.step(*next(turn))
        finish(torch)
        return {"loss": loss, "d_queries": d_queries}

    return step


def theirs_released(batch: int, seed: int, slots: int = SLOTS, device: str = "cpu") -> Step:
    """The released code's, in PyTorch."""
    torch = torch_with(THREADS)
    from bench.peers.memory_tf2017 import Memory as Peer

    state, batches, projection = released_data(batch, seed, slots)
    module = Peer(state, torch.from_numpy(projection), device=device)
    turn = tensors(batches, torch, device)

    def step() -> dict[str, Any]:
        results = dict(zip(("loss", "d_queries", "query_projection"), module.step(*next(turn)), strict=True))
        finish(torch)
        return results

    return step


def tensors(batches: list[tuple[np.ndarray, np.ndarray]], torch: Any, device: str = "cpu") -> Iterator[tuple[Any, Any]]:
    """The batches as PyTorch has them, in turn."""
    return itertools.cycle([(torch.from_numpy(queries).to(device), torch.from_numpy(labels).to(device))
                            for queries, labels in batches])


WORKLOADS = (
    Workload("memory", "a memory step: 8192 x 128, k = 256; query, loss, backward, update",
             sides={"ours": ours, "cupy": on_cupy(ours), "torch": theirs,
                    "torch_gpu": functools.partial(theirs, device="cuda")}, batches=(16,),
             growth={"slots": (2048, 8192, 32768, 131072), "batch": (4, 16, 64)}),
    Workload("memory_tf2017", "the released code's step: 8192 x 128, k = 256; project, search, loss, backward, update",
             sides={"ours": functools.partial(ours, profile=TF2017),
                    "cupy": on_cupy(functools.partial(ours, profile=TF2017)), "torch": theirs_released,
                    "torch_gpu": functools.partial(theirs_released, device="cuda")}, batches=(16,),
             growth={"slots": (2048, 8192, 32768, 131072), "batch": (4, 16, 64)}),
)
