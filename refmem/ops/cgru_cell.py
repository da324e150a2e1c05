"""A cell that is used again and again: its weights are prepared once, its gradients are summed up.

`PlainCell` calls `cgru`, `ColumnsCell` calls it with the convolution for a GPU; `cgru_winograd.Cell` is the fast twin
for a processor. `cell_class` picks one by name.
"""

from typing import Any, Protocol

from refmem.arrays import Array, module_of
from refmem.ops import cgru, conv2d, conv2d_columns
from refmem.ops.cgru import Weights
from refmem.ops.room import Room

CONVOLUTIONS = ("plain", "columns", "winograd")


class Cell(Protocol):
    """What all have in common."""

    def __init__(self, weights: Weights, cutoff: str, room: Room) -> None:
        """A cell that has not been used yet. Cells that work in turn share a room."""

    def forward(self, s: Array, drive: Array | None = None) -> tuple[Array, Any]:
        """As `cgru.forward`; the cache is the cell's own."""

    def backward(self, ds_next: Array, cache: Any) -> tuple[Array, Array | None]:
        """(ds, d_drive); the gradients of the weights are added up in the cell."""

    def gradients(self) -> Weights:
        """Those added up so far."""


class PlainCell:
    """The cell of `cgru`."""

    conv = conv2d

    def __init__(self, weights: Weights, cutoff: str, room: Room) -> None:
        self.weights, self.cutoff = weights, cutoff
        xp = module_of(weights.gate_kernels, "gate_kernels")
        self.total = [xp.zeros_like(array) for array in weights]

    def forward(self, s: Array, drive: Array | None = None) -> tuple[Array, cgru.Cache]:
        """As `cgru.forward`."""
        return cgru.forward(s, *self.weights, drive, cutoff=self.cutoff, conv=self.conv)

    def backward(self, ds_next: Array, cache: cgru.Cache) -> tuple[Array, Array | None]:
        """(ds, d_drive)."""
        ds, *gradients = cgru.backward(ds_next, cache)
        for total, gradient in zip(self.total, gradients, strict=False):
            total += gradient
        return ds, gradients[4] if cache.driven else None

    def gradients(self) -> Weights:
        """Those added up so far."""
        return Weights(*self.total)


class ColumnsCell(PlainCell):
    """The same with `conv2d_columns`."""

    conv = conv2d_columns


def cell_class(conv: str) -> type[Cell]:
    """The cell for a convolution by its name: "plain", "columns" or "winograd"."""
    if conv not in CONVOLUTIONS:
        raise ValueError(f"conv must be one of {', '.join(CONVOLUTIONS)}, got {conv!r}")
    if conv != "winograd":
        return ColumnsCell if conv == "columns" else PlainCell
    from refmem.ops import cgru_winograd  # compiled, and heavy to import

    return cgru_winograd.Cell
