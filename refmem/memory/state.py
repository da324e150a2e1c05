"""What a memory is: keys, values, ages, and who wrote them.                     (LTRRE §2: M = (K, V, A))"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_dtype, check_finite, check_shape, module_of, to_host
from refmem.memory.profiles import Profile

NO_SOURCE = -1
"""The source of a slot that no known training example has written."""


@dataclass
class MemoryState:
    """The contents of a memory of m slots. Writing changes the arrays in place."""

    keys: Array  # [m, d] float, rows of unit length; zero where empty
    values: Array  # [m] int64, class or token; the profile's empty value where empty
    ages: Array  # [m] int64, memory updates since the slot was last written
    sources: Array  # [m] int64, the training example that last wrote the slot, -1 for none
    recent: Array | None = None  # [vocab] int64, the slot last written for each label (released rules only)

    def copy(self) -> "MemoryState":
        """The same contents in arrays of their own."""
        return replace(self, **{name: array.copy() for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, Array]:
        """The arrays by name, without those that the profile does not have."""
        named = {"keys": self.keys, "values": self.values, "ages": self.ages, "sources": self.sources}
        return named if self.recent is None else named | {"recent": self.recent}

    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return sum(int(array.nbytes) for array in self.arrays().values())


def empty(key_dim: int, memory_size: int, profile: Profile, vocab_size: int | None, dtype: npt.DTypeLike,
          xp: ArrayModule) -> MemoryState:
    """A memory that has seen nothing: zero keys, empty values, ages 0, and every recent slot 0 as released."""
    return MemoryState(
        keys=xp.zeros((memory_size, key_dim), dtype=dtype),
        values=xp.full(memory_size, profile.empty_value, dtype=xp.int64),
        ages=xp.zeros(memory_size, dtype=xp.int64),
        sources=xp.full(memory_size, NO_SOURCE, dtype=xp.int64),
        recent=xp.zeros(vocab_size, dtype=xp.int64) if profile.rules == "tf2017" and vocab_size else None,
    )


def widened(state: MemoryState) -> MemoryState:
    """The same state with all integers as int64. Other programs keep narrower ones; the released code, float ages."""
    def as_int64(array: Array) -> Array:
        whole = array.dtype.kind in "iu"
        return array.astype(np.int64) if whole and array.dtype != np.int64 else array

    ages = state.ages
    if ages.dtype.kind == "f" and bool((ages == module_of(ages).floor(ages)).all()):
        ages = ages.astype(np.int64)
    return replace(state, values=as_int64(state.values), ages=as_int64(ages), sources=as_int64(state.sources),
                   recent=None if state.recent is None else as_int64(state.recent))


def check(state: MemoryState, like: MemoryState, vocab_size: int | None) -> None:
    """Raise unless `state` could be that of the memory whose empty state is `like`: shapes, dtypes, ranges."""
    if (state.recent is None) != (like.recent is None):
        wanted = "no recent slots" if like.recent is None else "recent slots, one a label"
        raise ValueError(f"state must have {wanted} under this profile")
    wanted_arrays = like.arrays()
    for name, array in state.arrays().items():
        check_shape(f"state.{name}", array, wanted_arrays[name].shape)
        check_dtype(f"state.{name}", array, wanted_arrays[name].dtype)
    check_finite("state.keys", state.keys)
    memory_size = state.keys.shape[0]
    empty_value = int(like.values[0])
    ranges: dict[str, tuple[int, int | None]] = {
        "values": (empty_value, None if vocab_size is None else vocab_size - 1), "ages": (0, None),
        "sources": (NO_SOURCE, None), "recent": (0, memory_size - 1)}
    for name, (low, high) in ranges.items():
        if name not in wanted_arrays or wanted_arrays[name].size == 0:
            continue
        host = to_host(state.arrays()[name])
        if host.min() < low or (high is not None and host.max() > high):
            bound = f"at least {low}" if high is None else f"in {low}..{high}"
            raise ValueError(f"state.{name} must be {bound}, got {host.min()} to {host.max()}")
