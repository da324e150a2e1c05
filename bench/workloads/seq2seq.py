"""Forward and backward of the encoder-decoder with attention: 2 + 2 layers of 256, sentences of 20, 2,000 tokens.

The memory has a workload of its own; here there is none. All sentences are whole, the dearest case: padding would be
left out of the softmax by ours, and worked through by the peer.
"""

import functools
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from reference_models.seq2seq import END, Seq2Seq, Size

from bench.workloads import THREADS, Step, Workload, finish, on_cupy, torch_with

LENGTH, VOCABULARY = 20, 2000


def data(batch: int, seed: int, length: int) -> tuple[dict[str, np.ndarray], Size, np.ndarray, np.ndarray]:
    """Weights, size, and sources and targets [B, length]."""
    rng = np.random.default_rng(seed)
    size = Size(VOCABULARY, VOCABULARY)
    source, target = rng.integers(END + 1, VOCABULARY, (2, batch, length))
    return Seq2Seq(size, seed=seed).params, size, source, target


def ours(batch: int, seed: int, twin: str = "fused", length: int = LENGTH, xp: ArrayModule = np) -> Step:
    """Ours."""
    params, size, source, target = data(batch, seed, length)
    model = Seq2Seq(size, twin=twin, shards=THREADS if xp is np else 1, xp=xp)
    model.params = {name: xp.asarray(array) for name, array in params.items()}
    source, target = xp.asarray(source), xp.asarray(target)

    def step() -> dict[str, Any]:
        output, cache = model.forward(source, target)
        gradients = model.backward(cache, release=True)
        finish(xp)
        return gradients | {"loss": np.float32(output.loss)}

    return step


def theirs(batch: int, seed: int, length: int = LENGTH, device: str = "cpu") -> Step:
    """PyTorch's, eager."""
    torch = torch_with(THREADS)
    from bench.peers.seq2seq import Network

    params, size, source, target = data(batch, seed, length)
    network = Network(size, params).to(device)
    source, target = torch.from_numpy(source).to(device), torch.from_numpy(target).to(device)

    def step() -> dict[str, Any]:
        network.zero_grad(set_to_none=True)
        loss = network(source, target)
        loss.backward()
        finish(torch)
        return network.gradients() | {"loss": loss.detach()}

    return step


WORKLOADS = (
    Workload("seq2seq", "forward and backward of the encoder-decoder, 2 + 2 layers of 256, length 20, 2,000 tokens",
             sides={"ours": ours, "plain": functools.partial(ours, twin="plain"),
                    "cupy": on_cupy(functools.partial(ours, twin="plain")), "torch": theirs,
                    "torch_gpu": functools.partial(theirs, device="cuda")},
             batches=(64,), growth={"batch": (16, 32, 64, 128), "length": (10, 20, 40)},
             growth_batch=32),
)
