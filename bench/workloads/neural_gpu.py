"""Forward and backward of the Neural GPU at the paper's sizes (w = 4, m = 24, l = 2), n steps on n positions."""

import functools
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from reference_models import neural_gpu
from reference_models.parallel import data_parallel

from bench.workloads import THREADS, Step, Workload, finish, on_cupy, torch_with

SIZE = neural_gpu.Size()
SYMBOLS = 4


def data(batch: int, seed: int, n: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Weights, inputs [B, n] and the gradient [B, n, V] that comes back."""
    rng = np.random.default_rng(seed)
    params = neural_gpu.initial_params(SIZE, SYMBOLS, rng)
    return params, rng.integers(SYMBOLS, size=(batch, n)), rng.standard_normal((batch, n, SYMBOLS)).astype(np.float32)


def ours(batch: int, seed: int, n: int, conv: str = "winograd", xp: ArrayModule = np) -> Step:
    """Ours, everything kept for the backward pass, the batch in a shard a thread; on the GPU, in one."""
    params, inputs, d_logits = data(batch, seed, n)
    params = {name: xp.asarray(array) for name, array in params.items()}
    inputs, d_logits = xp.asarray(inputs), xp.asarray(d_logits)

    def of_shard(rows: slice) -> dict[str, np.ndarray]:
        _, cache = neural_gpu.forward(params, inputs[rows], SIZE, conv=conv)
        return neural_gpu.backward(d_logits[rows], cache)

    def step() -> dict[str, Any]:
        if xp is np:
            return data_parallel.add(data_parallel.run(of_shard, data_parallel.split(batch, THREADS)))
        gradients = of_shard(slice(None))
        finish(xp)
        return gradients

    return step


def theirs(batch: int, seed: int, n: int, channels_last: bool = False, device: str = "cpu") -> Step:
    """PyTorch's, eager."""
    torch = torch_with(THREADS)
    from bench.peers import neural_gpu as peer

    params, inputs, d_logits = data(batch, seed, n)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = peer.NeuralGPU(params, SIZE.rows, layout).to(device)
    x, gradient = torch.from_numpy(inputs).to(device), torch.from_numpy(d_logits).to(device)

    def step() -> dict[str, Any]:
        network.zero_grad(set_to_none=True)
        network(x).backward(gradient)
        finish(torch)
        return network.gradients()

    return step


def workload(n: int) -> Workload:
    """The one of n positions."""
    def at(make: Any, **options: Any) -> Any:
        return functools.partial(make, n=n, **options)

    return Workload(f"neural_gpu_{n}", f"forward and backward of the Neural GPU, {n} positions and steps",
                    sides={"ours": at(ours), "plain": at(ours, conv="plain"),
                           "cupy": on_cupy(at(ours, conv="columns")), "torch": at(theirs),
                           "torch_gpu": at(theirs, device="cuda"),
                           "torch_channels_last": at(theirs, channels_last=True)},
                    batches=(32,), growth={"batch": (4, 8, 16, 32), "n": (5, 10, 20, 40)}, tolerance=5e-3)


WORKLOADS = (workload(20), workload(40))
