"""Forward and backward of the embedding network at the paper's widths: 64-64-128-128, then 6272 -> 256."""

import functools
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from reference_models.classifier import embedding

from bench.workloads import THREADS, Step, Workload, finish, on_cupy, torch_with

SIZE = embedding.Size((64, 64, 128, 128), (256,), keep=1.0, initialisation="fan_in")
PIXELS = 49  # of the last feature maps, 7x7


def data(batch: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Weights, images [B, 28, 28, 1] and the gradient [B, 256] that comes back.

    No bias is 0, and ink has a shade: else much would lie on a kink of ReLU or be a tie in a pool, where rounding
    decides who has the gradient.
    """
    rng = np.random.default_rng(seed)
    params = embedding.initial_params(SIZE, rng)
    for name in params:
        if name.endswith("bias"):
            params[name] = 0.1 * rng.standard_normal(params[name].shape, np.float32)
    shape = batch, embedding.SIDE, embedding.SIDE, 1
    images = np.where(rng.random(shape) < 0.2, rng.random(shape), 0).astype(np.float32)
    return params, images, rng.standard_normal((batch, 256)).astype(np.float32)


def ours(batch: int, seed: int, conv: str = "winograd", xp: ArrayModule = np) -> Step:
    """Ours, with one of the twins of the convolution."""
    params, images, dq = data(batch, seed)
    params = {name: xp.asarray(array) for name, array in params.items()}
    images, dq = xp.asarray(images), xp.asarray(dq)

    def step() -> dict[str, Any]:
        _, cache = embedding.embed(params, images, conv=conv, shards=THREADS if xp is np else 1)
        gradients, _ = embedding.embed_backward(dq, cache)
        finish(xp)
        weights = gradients["linear1.weights"]
        return gradients | {"linear1.weights": weights.reshape(PIXELS, -1, weights.shape[1])}  # [49, C, F]

    return step


def theirs(batch: int, seed: int, channels_last: bool = False, device: str = "cpu") -> Step:
    """PyTorch's, eager."""
    torch = torch_with(THREADS)
    from bench.peers import cnn

    params, images, dq = data(batch, seed)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = cnn.network(params).to(device, memory_format=layout)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout).to(device)
    gradient = torch.from_numpy(dq).to(device)

    def step() -> dict[str, Any]:
        network.zero_grad(set_to_none=True)
        network(x).backward(gradient)
        finish(torch)
        return cnn.gradients(network)

    return step


WORKLOADS = (
    Workload("cnn", "forward and backward of the CNN, the paper's widths",
             sides={"ours": ours, "plain": functools.partial(ours, conv="plain"),
                    "cupy": on_cupy(functools.partial(ours, conv="columns")), "torch": theirs,
                    "torch_channels_last": functools.partial(theirs, channels_last=True),
                    "torch_gpu": functools.partial(theirs, device="cuda")},
             batches=(16, 80, 256), growth={"batch": (8, 16, 32, 64, 128)}),
)
