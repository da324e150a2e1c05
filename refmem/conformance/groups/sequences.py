"""The operations of sequence models. Their loops, recipes and mutants have files of their own, in the rooms of those.

A mask is 0 or 1 in the vectors, and mean and variance are two inputs.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making.in_torch import sequences as in_torch
from refmem.conformance.making.recipes.sequences import recipes
from refmem.conformance.oracles.sequences import Loops


def reference(name: str, output: str = "y") -> Callable[[Task], Iterator[dict[str, Any]]]:
    """refmem's answer, from what stands in the vectors."""
    op = importlib.import_module(f"refmem.ops.{name}")

    def run(task: Task) -> Iterator[dict[str, Any]]:
        given: dict[str, Any] = dict(task.steps[0])
        cotangent = given.pop(f"d_{output}", None)
        if "mask" in given:
            given["mask"] = given["mask"].astype(bool)
        if "mean" in given:
            given["statistics"] = given.pop("mean"), given.pop("variance")
        y, cache = op.forward(**given, **task.config)
        out = {output: y}
        if cotangent is not None:
            gradients = op.backward(cotangent, cache)
            names = inspect.signature(op.forward).parameters  # in the order of the gradients
            out |= {f"d_{name}": gradient for name, gradient in
                    zip(names, gradients if isinstance(gradients, tuple) else (gradients,), strict=False)}
        yield out

    return run


GATED = {"w_x": "matrix gates", "w_h": "matrix gates", "bias": "gates"}

GROUPS = (
    Group("sigmoid", Loops, torch=in_torch.sigmoid),
    Group("tanh", Loops, torch=in_torch.tanh),
    Group("embedding", Loops, torch=in_torch.embedding),
    Group("lstm_cell", Loops, torch=in_torch.lstm_cell, layouts=GATED),
    Group("lstm", Loops, torch=in_torch.lstm, reference=reference("lstm"), layouts=GATED),
    Group("additive_attention", Loops, outputs=("context",), torch=in_torch.additive_attention,
          reference=reference("additive_attention", "context")),
    Group("masked_cross_entropy", Loops, outputs=("loss",), torch=in_torch.masked_cross_entropy,
          reference=reference("masked_cross_entropy", "loss")),
    Group("batch_norm", Loops, constants=("mean", "variance"), torch=in_torch.batch_norm,
          reference=reference("batch_norm")),
)

importlib.import_module("refmem.conformance.mutants.sequences")

__all__ = ["GROUPS", "recipes"]
