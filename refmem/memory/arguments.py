"""What `Memory.forward` asks of its arguments. All are checked before anything is read or written."""

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, ArrayModule, check_finite, check_labels, check_rank, check_shape, module_of


def whole(name: str, value: object) -> int:
    """`value` as an int, where it is a whole number of at least 1."""
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def on_device(name: str, x: Array, xp: ArrayModule) -> None:
    """Raise unless `x` is an array of the memory's module: devices are not mixed, and nothing is moved unasked."""
    if module_of(x, name) is not xp:
        raise TypeError(f"{name} must be an array of {xp.__name__} like the memory, got one of {module_of(x).__name__}")


def queries(given: Array, key_dim: int, dtype: npt.DTypeLike, xp: ArrayModule) -> Array:
    """[B, d] of the memory's dtype: a copy, so that the cache does not change with the caller's array."""
    check_rank("queries", given, 2)
    on_device("queries", given, xp)
    if given.shape[1] != key_dim:
        raise ValueError(f"queries must be {key_dim} wide like the keys, got {given.shape[1]}")
    if given.dtype not in (np.float32, np.float64) or not np.can_cast(given.dtype, dtype):
        raise TypeError(f"queries must be {np.dtype(dtype)} like the memory, got {given.dtype}")
    check_finite("queries", given)
    return given.astype(dtype)


def labels(given: Array | None, batch: int, vocab_size: int | None, xp: ArrayModule) -> Array | None:
    """[B] int64, or None."""
    if given is None:
        return None
    on_device("labels", given, xp)
    check_labels("labels", given, batch, vocab_size)
    return given.astype(np.int64)


def per_row(name: str, given: Array | None, labels: Array | None, low: int, high: int | None = None) -> Array | None:
    """[B] int64 in low .. high, for rows that are written; or None."""
    if given is None:
        return None
    if labels is None:
        raise ValueError(f"{name} needs labels: without them nothing is written")
    on_device(name, given, module_of(labels))
    check_shape(name, given, labels.shape)
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {given.dtype}")
    if given.size and (int(given.min()) < low or (high is not None and int(given.max()) > high)):
        raise ValueError(f"{name} must be at least {low}" + ("" if high is None else f" and at most {high}"))
    return given.astype(np.int64)
