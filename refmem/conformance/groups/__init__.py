"""Groups of vectors, one file a group: everything that the suite has to know of a new capability.

A module of this folder is found by itself. It holds

    GROUPS = (Group("lstm_cell", Loops, outputs=("h", "c"), torch=cell),)

    class Loops(Oracle):                    the equations in plain loops; a mutant changes one method
        def lstm_cell(self, x, h, c, ..., options): ...
    def recipes() -> list[Recipe]: ...      inputs of the vectors, what they check, which rules they exercise
    @mutant("lstm-gates-permuted", "lstm_cell.gates", "the gates are permuted i, o, f, c")
    class Permuted(Loops): ...              at least two a rule

and that is all: `refmem vectors regenerate`, `refmem mutants`, `refmem spec coverage`, the reference and `conform`
know the group from then on, and an adapter answers it with a method of its name. A group that is an operation,
outputs = f(inputs), needs no more than the method of the loops: its gradients come from the tape, refmem's side
is `refmem.ops.NAME`, and `torch` is the second oracle. A group of another kind (a memory that lives through steps, an
index) overrides `Oracle.run` and names its own `reference` and `second`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.oracles.operation import Oracle

Run = Callable[[Task], Iterable[Any]]


@dataclass(frozen=True)
class Group:
    """One group of vectors."""

    name: str
    """The folder of its vectors, the method of an adapter, and where it is an operation the module of `refmem.ops`."""
    oracle: type[Oracle]
    """The loops."""
    outputs: tuple[str, ...] = ("y",)
    """What an operation returns, in its order; a cotangent is called d_ and the output's name."""
    constants: tuple[str, ...] = ()
    """Inputs of floats that carry no gradient, such as the random numbers of dropout."""
    torch: Callable[..., Any] | None = None
    """f(torch, **inputs, **config) -> output or outputs, with PyTorch's own operations: the second oracle."""
    second: Run | None = None
    """The second oracle of a group that is no operation, sharing no code with the loops: f(task) -> steps."""
    reference: Run | None = None
    """refmem's answer to a task, where it is not `refmem.ops.NAME`."""
    layouts: Mapping[str, str] = field(default_factory=dict)
    """Which arrays other libraries keep in another order: "image" [B, H, W, C], "kernel" [kh, kw, C, F], "matrix"
    [in, out], "gates" (the last axis is i, f, g, o in blocks), or "matrix gates". See `adapters/conventions.py`."""


@cache
def modules() -> tuple[ModuleType, ...]:
    """All modules of this folder."""
    return tuple(importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))


@cache
def groups() -> dict[str, Group]:
    """All groups but the memory, by name.

    Raises
    ------
    ValueError
        If two have one name.
    """
    found: dict[str, Group] = {}
    for module in modules():
        for group in module.GROUPS:
            if group.name in found:
                raise ValueError(f"there are two groups {group.name!r}")
            found[group.name] = group
    return found
