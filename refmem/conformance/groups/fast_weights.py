"""Layer norm and the fast weights: two forms of a read, and the recurrence under the choices of the paper.

Their loops, recipes and mutants have files of their own, in the rooms of those.
"""

import dataclasses
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making.in_torch import fast_weights as in_torch
from refmem.conformance.making.recipes.fast_weights import recipes
from refmem.conformance.oracles.fast_weights import Loops


def rnn(task: Task) -> Iterator[dict[str, Any]]:
    """The config of a case is what it changes of the paper's choices."""
    from refmem.ops import fast_weights_rnn as op
    from refmem.ops.fast_weights_choices import FW2016

    given: dict[str, Any] = dict(task.steps[0])
    d_y = given.pop("d_y", None)
    y, cache = op.forward(**given, choices=dataclasses.replace(FW2016, **task.config))
    out = {"y": y}
    if d_y is not None:
        names = inspect.signature(op.forward).parameters  # in the order of the gradients
        out |= {f"d_{name}": gradient for name, gradient in zip(names, op.backward(d_y, cache), strict=False)}
    yield out


GROUPS = (
    Group("layer_norm", Loops, torch=in_torch.layer_norm),
    Group("fast_weights_attention", Loops, torch=in_torch.read),
    Group("fast_weights_matrix", Loops, torch=in_torch.read),
    Group("fast_weights_rnn", Loops, torch=in_torch.rnn, reference=rnn),
)

importlib.import_module("refmem.conformance.mutants.fast_weights")

__all__ = ["GROUPS", "recipes"]
