"""The operations of the CNN. Older than this folder: their recipes, loops and mutants have files of their own."""

from collections.abc import Iterator
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making.in_torch import ops as in_torch
from refmem.conformance.oracles.ops import Ops


def dropout(task: Task) -> Iterator[dict[str, Any]]:
    """refmem draws its mask from the uniform numbers of the vector."""
    from refmem.conformance.reference import Given
    from refmem.ops import dropout as op

    (inputs,) = task.steps
    y, cache = op.forward(inputs["x"], task.config["keep"], Given(inputs["uniforms"]))
    yield {"y": y} | ({"d_x": op.backward(inputs["d_y"], cache)} if "d_y" in inputs else {})


GROUPS = (
    Group("conv2d", Ops, torch=in_torch.conv2d, layouts={"x": "image", "y": "image", "kernels": "kernel"}),
    Group("max_pool2d", Ops, torch=in_torch.max_pool2d, layouts={"x": "image", "y": "image"}),
    Group("relu", Ops, torch=in_torch.relu),
    Group("linear", Ops, torch=in_torch.linear, layouts={"weights": "matrix"}),
    Group("dropout", Ops, constants=("uniforms",), torch=in_torch.dropout, reference=dropout),
    Group("l2_normalize", Ops, torch=in_torch.l2_normalize),
    Group("softmax", Ops, torch=in_torch.softmax),
    Group("softmax_cross_entropy", Ops, outputs=("loss",), torch=in_torch.softmax_cross_entropy),
)
