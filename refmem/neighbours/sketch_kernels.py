"""The compiled passes of `sketch`: writing the codes of slots."""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.codes_kernels import BYTE, GROUP, MANY, put_code, turn_slots
from refmem.neighbours.llvm_kernels import kernel


class Sketches(NamedTuple):
    """The codes of all slots."""

    coarse: Array  # [groups, bytes, 64] uint8, slot s is column s % 64 of group s // 64
    fine: Array  # [m, bytes] uint8


@kernel
def sketch_slots(rotation: Array, keys: Array, slots: Array, sketches: Sketches) -> None:
    """Write the codes of keys[slots]."""
    rows = np.empty((MANY, keys.shape[1]), keys.dtype)
    values = np.empty((MANY, BYTE * sketches.fine.shape[1]), keys.dtype)
    for first in range(0, len(slots), MANY):
        some = slots[first:first + MANY]
        turn_slots(rotation, keys, some, rows, values)
        for i in range(len(some)):
            put_code(values[i], some[i] // GROUP, some[i] % GROUP, some[i], sketches.coarse, sketches.fine)
