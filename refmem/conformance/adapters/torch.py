"""Helpers for an implementation in PyTorch: tensors of a task, the buffers of a module, gradients by autograd."""

from collections.abc import Iterable, Iterator
from typing import Any

from refmem.conformance.case import Inputs, Task

STATE = ("keys", "values", "ages", "recent", "sources")


def tensors(steps: Iterable[Inputs | None]) -> Iterator[Inputs]:
    """The inputs of each step as tensors, by name; a name that the case does not have is None."""
    import torch

    for step in steps:
        yield Inputs({name: torch.tensor(array) for name, array in (step or {}).items()})


def load_state(module: Any, task: Task) -> None:
    """Copy the state that a task starts from and its parameters into the buffers and parameters of the same names."""
    import torch

    with torch.no_grad():
        for name, array in (*task.start.items(), *task.params.items()):
            target = getattr(module, name, None)
            if target is not None:
                target.copy_(torch.tensor(array))


def saved_state(module: Any) -> dict[str, Any]:
    """The buffers of a memory as outputs: state.keys, state.values, ..."""
    found = {name: getattr(module, name, None) for name in STATE}
    return {f"state.{name}": buffer.clone() for name, buffer in found.items() if buffer is not None}


def cotangents(step: Inputs, loss: Any, confidence: Any, **inputs: Any) -> dict[str, Any]:
    """Gradients of d_loss * loss + <d_confidence, confidence>, by the names given; {} where the step asks for none."""
    import torch

    parts: list[Any] = []
    if step.d_loss is not None and loss is not None:
        parts.append(step.d_loss * loss)
    if step.d_confidence is not None:
        parts.append((step.d_confidence * confidence).sum())
    wanted = {name: x for name, x in inputs.items() if x is not None}
    if not parts:
        return {}
    total = sum(parts)
    if not total.requires_grad:
        return {name: torch.zeros_like(x) for name, x in wanted.items()}
    slopes = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
    return {name: torch.zeros_like(x) if slope is None else slope
            for (name, x), slope in zip(wanted.items(), slopes, strict=True)}
