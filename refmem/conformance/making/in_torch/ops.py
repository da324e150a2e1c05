"""PyTorch's own operations and its autograd: the second oracle of every operation."""

from collections.abc import Iterator
from typing import Any

from refmem.conformance.case import HostArray, Task


def conv2d(torch: Any, x: Any, kernels: Any, bias: Any) -> Any:
    same = (kernels.shape[0] // 2, kernels.shape[1] // 2)
    y = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), kernels.permute(3, 2, 0, 1), bias, padding=same)
    return y.permute(0, 2, 3, 1)


def max_pool2d(torch: Any, x: Any) -> Any:
    return torch.nn.functional.max_pool2d(x.permute(0, 3, 1, 2), 2, ceil_mode=True).permute(0, 2, 3, 1)


def relu(torch: Any, x: Any) -> Any:
    return torch.relu(x)


def linear(torch: Any, x: Any, weights: Any, bias: Any) -> Any:
    return torch.nn.functional.linear(x, weights.T, bias)


def dropout(torch: Any, x: Any, uniforms: Any, keep: float) -> Any:
    return torch.where(uniforms < keep, x / keep, 0.0)


def l2_normalize(torch: Any, x: Any) -> Any:
    return torch.nn.functional.normalize(x, eps=1e-6)


def softmax(torch: Any, x: Any) -> Any:
    return torch.softmax(x, -1)


def softmax_cross_entropy(torch: Any, logits: Any, labels: Any) -> Any:
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


class TorchOperation:
    """The operation of one group as an implementation."""

    def __init__(self, group: Any) -> None:
        self.group = group

    def describe(self) -> dict[str, Any]:
        """One operation."""
        return {"name": f"torch {self.group.name}", "groups": [self.group.name]}

    def __getattr__(self, name: str) -> Any:
        if name == vars(self)["group"].name:
            return self.run
        raise AttributeError(name)

    def run(self, task: Task) -> Iterator[dict[str, HostArray]]:
        """Outputs and gradients."""
        import torch

        (inputs,) = task.steps
        cotangents = {f"d_{name}" for name in self.group.outputs}
        given = {name: torch.tensor(array, requires_grad=array.dtype.kind == "f" and name not in self.group.constants)
                 for name, array in inputs.items() if name not in cotangents}
        produced = self.group.torch(torch, **given, **task.config)
        outputs = dict(zip(self.group.outputs, produced if isinstance(produced, tuple) else (produced,), strict=True))
        out = {name: y.detach().numpy() for name, y in outputs.items()}
        parts = [(y * torch.tensor(inputs[f"d_{name}"])).sum() for name, y in outputs.items() if f"d_{name}" in inputs]
        if parts:
            sum(parts).backward()
            out |= {f"d_{name}": x.grad.numpy() for name, x in given.items() if x.grad is not None}
        yield out
