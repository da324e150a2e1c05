"""What the compiled indexes share: checks that cost next to nothing.

A search of 16 queries takes some hundred microseconds, and the plain checks of `protocol` fifty. So a call that is
plainly sound is waved through by one pass of compiled code; any other goes to the plain checks, which say what is
wrong with it, if anything is.
"""

from typing import Any

import numpy as np

from refmem.arrays import Array
from refmem.neighbours import protocol


class Compiled(protocol.Neighbours):
    """An index over keys [m, d] of NumPy, of one block of memory, searched by kernels."""

    def _check_queries(self, queries: Any, k: Any) -> tuple[Array, int]:
        """As `protocol.check_queries`. Returns both as kernels take them."""
        m, d = self.keys.shape
        if not (self._like_keys(queries) and isinstance(k, int) and 1 <= k <= m and self._of_unit_length(queries)):
            protocol.check_queries(queries, self.keys, k)
        return plain(queries), int(k)

    def _check_update(self, slots: Array, new_keys: Array) -> None:
        from refmem.neighbours.kernels import check as kernels

        if not (isinstance(slots, np.ndarray) and slots.dtype == np.int64 and slots.ndim == 1
                and self._like_keys(new_keys) and len(new_keys) == len(slots)
                and kernels.slots_within(plain(slots), len(self.keys)) and self._of_unit_length(new_keys)):
            protocol.check_update(slots, new_keys, self.keys)

    def _like_keys(self, rows: Any) -> bool:
        """Whether `rows` is a matrix as wide as the keys and of their dtype."""
        return (isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype == self.keys.dtype
                and rows.shape[1] == self.keys.shape[1])

    def _of_unit_length(self, rows: Array) -> bool:
        from refmem.neighbours.kernels import check as kernels

        return bool(kernels.unit_rows(plain(rows), protocol.UNIT_TOLERANCE))


def plain(x: Array) -> Array:
    """`x` as kernels take it: contiguous and writable, whatever it was, since numba compiles anew for each kind."""
    return x if x.flags.carray else x.copy()
