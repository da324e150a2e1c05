"""PyTorch's own operations and its autograd: the second oracle of every operation of the CNN."""

from collections.abc import Callable, Iterator
from typing import Any

from refmem.conformance.case import HostArray, Task
from refmem.conformance.making import torch_neural_gpu


def _conv2d(torch: Any, x: Any, kernels: Any, bias: Any) -> Any:
    same = (kernels.shape[0] // 2, kernels.shape[1] // 2)
    y = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), kernels.permute(3, 2, 0, 1), bias, padding=same)
    return y.permute(0, 2, 3, 1)


def _max_pool2d(torch: Any, x: Any) -> Any:
    return torch.nn.functional.max_pool2d(x.permute(0, 3, 1, 2), 2, ceil_mode=True).permute(0, 2, 3, 1)


def _dropout(torch: Any, x: Any, uniforms: Any, keep: float) -> Any:
    return torch.where(uniforms < keep, x / keep, 0.0)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "conv2d": _conv2d,
    "max_pool2d": _max_pool2d,
    "relu": lambda torch, x: torch.relu(x),
    "linear": lambda torch, x, weights, bias: torch.nn.functional.linear(x, weights.T, bias),
    "dropout": _dropout,
    "l2_normalize": lambda torch, x: torch.nn.functional.normalize(x, eps=1e-6),
    "softmax": lambda torch, x: torch.softmax(x, -1),
    "softmax_cross_entropy": lambda torch, logits, labels: torch.nn.functional.cross_entropy(
        logits, labels, reduction="none"),
    **torch_neural_gpu.OPERATIONS,
}


class TorchOps:
    """Any of the operations."""

    def describe(self) -> dict[str, Any]:
        """All operations of the CNN."""
        return {"name": "torch operations", "groups": list(OPERATIONS)}

    def __getattr__(self, name: str) -> Any:
        if name in OPERATIONS:
            return run
        raise AttributeError(name)


def run(task: Task) -> Iterator[dict[str, HostArray]]:
    """Output and gradients of one operation."""
    import torch

    (inputs,) = task.steps
    output = "loss" if "logits" in inputs else "y"
    given = {name: torch.tensor(array, requires_grad=array.dtype.kind == "f" and name != "uniforms")
             for name, array in inputs.items() if name != f"d_{output}"}
    y = OPERATIONS[task.group](torch, **given, **task.config)
    out = {output: y.detach().numpy()}
    if f"d_{output}" in inputs:
        y.backward(torch.tensor(inputs[f"d_{output}"]))
        out |= {f"d_{name}": x.grad.numpy() for name, x in given.items() if x.grad is not None}
    yield out
