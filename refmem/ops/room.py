"""Memory for many small steps: a fast twin's arrays, without asking the system for each.

An array of some hundred KiB comes from the system page by page, and goes back as soon as it is dropped. Over the steps
of a recurrence that took longer than the work itself (measured: 4.9 ms instead of 0.9 ms a cell and step). So scratch
arrays are used again, and those that are kept are cut from large blocks.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array

BLOCK = 8 << 20  # bytes; NumPy asks for large pages from 4 MiB on


class Room:
    """Arrays of one dtype, for one thread."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._scratch: dict[str, npt.NDArray[Any]] = {}
        self._block = np.empty(0, self.dtype)
        self._used = 0

    def scratch(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array that is overwritten by the next request of the same name. Its contents are undefined."""
        size = math.prod(shape)
        if name not in self._scratch or self._scratch[name].size < size:
            self._scratch[name] = np.empty(size, self.dtype)
        return self._scratch[name][:size].reshape(shape)

    def kept(self, shape: tuple[int, ...]) -> Array:
        """An array that stays as long as someone holds it. Its contents are undefined."""
        size = math.prod(shape)
        if self._used + size > self._block.size:
            self._block = np.empty(max(size, BLOCK // self.dtype.itemsize), self.dtype)
            self._used = 0
        start, self._used = self._used, self._used + size
        return self._block[start:start + size].reshape(shape)
