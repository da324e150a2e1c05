"""Forward and backward of the fast weights through a sequence of associative retrieval: T = 11, one inner step."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from refmem.arrays import ArrayModule
from refmem.ops import fast_weights_rnn
from refmem.ops.fast_weights_choices import FW2016

from bench.workloads import Step, Workload, finish, on_cupy, torch_with

LENGTH = 11
THREADS = 1  # of ours: the arrays are too small to share out
NAMES = ("inputs", "recurrent", "start", "past", "decay", "rate", "gain", "bias")


def data(batch: int, seed: int, units: int, length: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The arguments of `fast_weights_rnn`, with an empty past, and the gradient that comes back."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    arguments = [normal(batch, length, units), np.float32(0.05) * np.eye(units, dtype=np.float32),
                 np.zeros((batch, units), np.float32), np.zeros((batch, 0, units), np.float32),
                 np.array(FW2016.decay, np.float32), np.array(FW2016.rate, np.float32),
                 1 + np.float32(0.1) * normal(1, units), np.float32(0.1) * normal(1, units)]
    return arguments, normal(batch, length, units)


def ours(batch: int, seed: int, units: int, length: int = LENGTH, form: str = "attention",
         xp: ArrayModule = np) -> Step:
    """Ours, in one of the forms or compiled."""
    host, dy = data(batch, seed, units, length)
    arguments, dy = [xp.asarray(array) for array in host], xp.asarray(dy)
    forward: Callable[..., Any] = functools.partial(fast_weights_rnn.forward, form=form)
    backward: Callable[..., Any] = fast_weights_rnn.backward
    if form == "compiled":
        from refmem.ops import fast_weights_rnn_compiled
        forward, backward = fast_weights_rnn_compiled.forward, fast_weights_rnn_compiled.backward

    def step() -> dict[str, Any]:
        hidden, cache = forward(*arguments)
        gradients = dict(zip(NAMES, backward(dy, cache), strict=True))
        finish(xp)
        return {"hidden": hidden} | {name: gradients[name] for name in ("inputs", "recurrent", "gain", "bias")}

    return step


def theirs(batch: int, seed: int, units: int, length: int = LENGTH, form: str = "attention",
           device: str = "cpu") -> Step:
    """PyTorch's, eager, in the same form."""
    torch = torch_with()
    host, dy = data(batch, seed, units, length)
    tensors = {name: torch.from_numpy(array).to(device) for name, array in zip(NAMES, host, strict=True)}
    leaves = {name: tensors[name].requires_grad_() for name in ("inputs", "recurrent", "gain", "bias")}
    cotangent, decay, rate = torch.from_numpy(dy).to(device), FW2016.decay, FW2016.rate
    ages = [rate * decay ** torch.arange(t - 1, -1, -1, device=device) for t in range(length + 1)]

    def step() -> dict[str, Any]:
        hidden: list[Any] = []
        h, matrix = torch.zeros(batch, units, device=device), torch.zeros(batch, units, units, device=device)
        for t in range(length):
            boundary = leaves["inputs"][:, t] + h @ leaves["recurrent"]
            state = torch.relu(boundary)
            if form == "matrix":
                read = torch.bmm(matrix, state[:, :, None])[:, :, 0]
            elif hidden:
                past = torch.stack(hidden, 1)  # [B, t, R]
                scores = torch.einsum("btr,br->bt", past, state) * ages[t]
                read = torch.einsum("bt,btr->br", scores, past)
            else:
                read = torch.zeros_like(state)
            h = torch.relu(torch.nn.functional.layer_norm(boundary + read, (units,), leaves["gain"][0],
                                                          leaves["bias"][0], eps=FW2016.epsilon))
            hidden.append(h)
            if form == "matrix":
                matrix = decay * matrix + rate * h[:, :, None] * h[:, None, :]
        y = torch.stack(hidden, 1)
        gradients = torch.autograd.grad(y, list(leaves.values()), cotangent)
        finish(torch)
        return {"hidden": y} | dict(zip(leaves, gradients, strict=True))

    return step


def workload(name: str, form: str, units: int, goal: float) -> Workload:
    """One line of the report."""
    make = {"ours": functools.partial(ours, units=units, form=form),
            "cupy": on_cupy(functools.partial(ours, units=units, form=form)),
            "torch": functools.partial(theirs, units=units, form=form),
            "torch_gpu": functools.partial(theirs, units=units, form=form, device="cuda")}
    if form == "attention":
        make["compiled"] = functools.partial(ours, units=units, form="compiled")
    return Workload(name, f"fast weights, {form} form, {units} units: {LENGTH} steps there and back", sides=make,
                    batches=(128,), goal=goal, memory_goal=1.0, threads=THREADS,
                    growth={"length": (11, 22, 44, 88), "batch": (32, 128, 512)}, growth_batch=128)


WORKLOADS = (
    workload("fast_weights_50", "attention", 50, 0.5),
    workload("fast_weights_100", "attention", 100, 0.5),
    workload("fast_weights_matrix_50", "matrix", 50, 0.4),
    workload("fast_weights_matrix_100", "matrix", 100, 0.4),
)
