"""The checks of every call in one compiled pass each (`compiled.py`)."""

from refmem.arrays import Array
from refmem.neighbours.kernels.llvm import Number, kernel
from refmem.neighbours.kernels.top import dot


@kernel
def unit_rows(rows: Array, tolerance: Number) -> Number:
    """Whether all rows have length 1; NaN has not."""
    for i in range(len(rows)):
        if not abs(dot(rows[i], rows[i]) - 1) <= tolerance:
            return False
    return True


@kernel
def slots_within(slots: Array, m: Number) -> Number:
    """Whether all slots lie in 0..m-1."""
    for slot in slots:
        if not 0 <= slot < m:
            return False
    return True
