"""The work that is measured: each `make(batch, seed)` returns a function that does one step.

"cnn" is forward and backward of the embedding network at the paper's widths (64-64-128-128, then 6272 -> 256).
"memory" is one step of a full memory of 8192 slots x 128, k = 256, under the paper's rules: query, loss, backward,
update. Ours and PyTorch's start from the same numbers.
"""

from collections.abc import Callable

import numpy as np

from refmem.memory.memory import Memory
from refmem.memory.state import MemoryState

from reference_models import embedding

THREADS = 2
SIZE = embedding.Size((64, 64, 128, 128), (256,), keep=1.0, initialisation="fan_in")
SLOTS, WIDTH, CLASSES = 8192, 128, 1024

Step = Callable[[], object]


# --- The network ------------------------------------------------------------------------------------------------


def cnn_data(batch: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Weights, images [B, 28, 28, 1] and the gradient [B, 256] that comes back."""
    rng = np.random.default_rng(seed)
    params = embedding.initial_params(SIZE, rng)
    images = (rng.random((batch, embedding.SIDE, embedding.SIDE, 1)) < 0.2).astype(np.float32)
    return params, images, rng.standard_normal((batch, 256)).astype(np.float32)


def cnn(batch: int, seed: int, conv: str = "winograd") -> Step:
    """Ours."""
    params, images, dq = cnn_data(batch, seed)

    def step() -> dict[str, np.ndarray]:
        _, cache = embedding.embed(params, images, conv=conv, shards=THREADS)
        return embedding.embed_backward(dq, cache)[0]

    return step


def cnn_torch(batch: int, seed: int, channels_last: bool = False) -> Step:
    """PyTorch's, eager."""
    import torch

    from bench import peers

    torch.set_num_threads(THREADS)
    params, images, dq = cnn_data(batch, seed)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = peers.network(params).to(memory_format=layout)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    gradient = torch.from_numpy(dq)

    def step() -> dict[str, np.ndarray]:
        network.zero_grad(set_to_none=True)
        network(x).backward(gradient)
        return {name: p.grad for name, p in network.named_parameters()}

    return step


# --- The memory -------------------------------------------------------------------------------------------------


def memory_data(batch: int, seed: int) -> tuple[MemoryState, list[tuple[np.ndarray, np.ndarray]]]:
    """A full memory, and batches of queries that lie near a stored key; most labels are right."""
    rng = np.random.default_rng(seed)
    keys = rng.standard_normal((SLOTS, WIDTH)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    values = rng.integers(0, CLASSES, SLOTS)
    state = MemoryState(keys, values, rng.permutation(SLOTS).astype(np.int64), np.full(SLOTS, -1, np.int64))
    batches = []
    for _ in range(16):
        near = rng.integers(0, SLOTS, batch)
        queries = keys[near] + 0.05 * rng.standard_normal((batch, WIDTH)).astype(np.float32)
        labels = np.where(rng.random(batch) < 0.75, values[near], rng.integers(0, CLASSES, batch))
        batches.append((queries.astype(np.float32), labels))
    return state, batches


def memory(batch: int, seed: int) -> Step:
    """Ours."""
    state, batches = memory_data(batch, seed)
    module = Memory(WIDTH, SLOTS, dtype=np.float32)
    module.state = state
    turn = iter_forever(batches)

    def step() -> tuple[np.ndarray, np.ndarray]:
        queries, labels = next(turn)
        output, cache = module.forward(queries, labels)
        assert output.loss is not None
        return output.loss, module.backward(cache)[0]

    return step


def memory_torch(batch: int, seed: int) -> Step:
    """PyTorch's."""
    import torch

    from bench import peers

    torch.set_num_threads(THREADS)
    state, batches = memory_data(batch, seed)
    module = peers.Memory(state)
    turn = iter_forever([(torch.from_numpy(queries), torch.from_numpy(labels)) for queries, labels in batches])
    return lambda: module.step(*next(turn))


def iter_forever(batches):  # type: ignore[no-untyped-def]
    """The batches in turn, without end."""
    while True:
        yield from batches


SIDES: dict[str, dict[str, Callable[[int, int], Step]]] = {
    "cnn": {"ours": cnn, "torch": cnn_torch,
            "torch_channels_last": lambda batch, seed: cnn_torch(batch, seed, channels_last=True)},
    "memory": {"ours": memory, "torch": memory_torch},
}
"""Who can do what."""
