"""The operations of the CNN. Older than this folder: their recipes, loops and mutants have files of their own."""

from collections.abc import Iterator
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.groups import Group
from refmem.conformance.making import torch_ops
from refmem.conformance.oracles.ops import Ops


def dropout(task: Task) -> Iterator[dict[str, Any]]:
    """refmem draws its mask from the uniform numbers of the vector."""
    from refmem.conformance.reference import Given
    from refmem.ops import dropout as op

    (inputs,) = task.steps
    y, cache = op.forward(inputs["x"], task.config["keep"], Given(inputs["uniforms"]))
    yield {"y": y} | ({"d_x": op.backward(inputs["d_y"], cache)} if "d_y" in inputs else {})


GROUPS = (
    Group("conv2d", Ops, torch=torch_ops.conv2d, layouts={"x": "image", "y": "image", "kernels": "kernel"}),
    Group("max_pool2d", Ops, torch=torch_ops.max_pool2d, layouts={"x": "image", "y": "image"}),
    Group("relu", Ops, torch=torch_ops.relu),
    Group("linear", Ops, torch=torch_ops.linear, layouts={"weights": "matrix"}),
    Group("dropout", Ops, constants=("uniforms",), torch=torch_ops.dropout, reference=dropout),
    Group("l2_normalize", Ops, torch=torch_ops.l2_normalize),
    Group("softmax", Ops, torch=torch_ops.softmax),
    Group("softmax_cross_entropy", Ops, outputs=("loss",), torch=torch_ops.softmax_cross_entropy),
)
