"""What every index promises, and the checks that all of them make.

An index looks into an array of keys that belongs to somebody else, usually to a memory: it holds no copy, only tables
of its own. Whatever it returns has been compared with the keys as they are now:

- cosines are those of the current keys, largest first, equal ones by increasing slot, no slot twice;
- a slot that was never written is never returned; a row with fewer than k neighbours ends in `ABSENT_SLOT` with
  `ABSENT_COSINE`, and only when there are fewer than k written slots;
- after any sequence of updates the answers are those of an index built from the keys as they are now;
- the same seed gives the same answers;
- a refused call leaves the index as it was.

Only *which* keys are looked at may differ from the exact search.
"""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array, check_finite, check_float, check_rank, module_of, put_rows
from refmem.neighbours.exact import ABSENT_COSINE, ABSENT_SLOT

UNIT_TOLERANCE = 1e-3
"""How far from 1 the squared length of a key or query may lie."""


class Neighbours(ABC):
    """An index over keys [m, d]."""

    name: str
    keys: Array  # [m, d] what is looked into
    filled: Array  # [m] bool, which slots are written

    @abstractmethod
    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """The k nearest written slots of each query.

        Parameters
        ----------
        queries : [B, d], dtype of the keys
            Rows of unit length.
        k : int
            1 <= k <= m.

        Returns
        -------
        slots : [B, k] int64
        cosines : [B, k], dtype of `queries`

        Raises
        ------
        ValueError, TypeError
            If a query or k is not as said.
        """

    @abstractmethod
    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """Look into `keys` [m, d] from now on, of which the slots in `filled` [m] bool are written; None is all.

        Raises ValueError or TypeError if a key has neither length 1 nor 0; the index then stays as it was.
        """

    def update(self, slots: Array, keys: Array) -> None:
        """`keys` [n, d] now stand in `slots` [n]: written into the array that is looked into, and into the tables.

        Where slots repeat, the last row wins. Raises ValueError or TypeError if a slot does not exist, or a key has
        neither length 1 nor 0; the index then stays as it was.
        """
        self._check_update(slots, keys)
        # spec: index.last-row-wins -- where slots repeat in an update, the last row wins (refmem)
        put_rows(self.keys, slots, keys)
        self.refresh(slots)

    def _check_update(self, slots: Array, new_keys: Array) -> None:
        check_update(slots, new_keys, self.keys)

    @abstractmethod
    def refresh(self, slots: Array) -> None:
        """The keys in `slots` [n], which exist, were written by their owner: bring the tables up to date."""

    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of the tables, the keys not counted."""


def absent(batch: int, k: int, dtype: npt.DTypeLike) -> tuple[Array, Array]:
    """Slots and cosines [B, k] of a search that found nothing."""
    return np.full((batch, k), ABSENT_SLOT, np.int64), np.full((batch, k), ABSENT_COSINE, dtype)


def check_keys(name: str, keys: Array) -> None:
    """Raise unless `keys` is a finite float matrix whose rows have length 1 or 0."""
    check_rank(name, keys, 2)
    check_float(name, keys)
    xp = module_of(keys)
    squares = xp.einsum("md,md->m", keys, keys)  # [m]; NaN and infinity show here
    right = xp.abs(squares - 1) <= UNIT_TOLERANCE
    if not bool(right.all()):
        wrong = xp.flatnonzero(~(right | (squares == 0)))
        if wrong.size:
            check_finite(name, keys)
            row = int(wrong[0])
            raise ValueError(f"{name} must have rows of length 1 (or zero rows), got length "
                             f"{float(xp.sqrt(squares[row])):g} in row {row}")


def check_host_keys(name: str, keys: Array) -> None:
    """Raise unless `keys` is what a compiled index can look into: one block of NumPy memory, with sound rows."""
    if module_of(keys, "keys") is not np:
        raise TypeError(f"the {name} search needs NumPy keys, got an array of {module_of(keys).__name__}")
    check_rank("keys", keys, 2)
    if not keys.flags.c_contiguous or 0 in keys.shape:
        raise ValueError(f"keys must be contiguous and not empty for the {name} search, got shape {keys.shape}")
    check_keys("keys", keys)


def end_of(filled: Array) -> int:
    """One more than the last written slot: a memory fills from slot 0, and nothing behind needs a look."""
    written = module_of(filled).flatnonzero(filled)
    return int(written[-1]) + 1 if written.size else 0


def check_filled(filled: Array | None, keys: Array) -> Array:
    """`filled` as a bool array [m] of its own, all True for None."""
    xp = module_of(keys)
    if filled is None:
        everything: Array = xp.ones(keys.shape[0], dtype=bool)
        return everything
    if module_of(filled, "filled") is not xp or filled.shape != keys.shape[:1] or filled.dtype != bool:
        raise ValueError(f"filled must be bool of shape {keys.shape[:1]}, got {filled.dtype} of shape {filled.shape}")
    return filled.copy()


def check_queries(queries: Array, keys: Array, k: int) -> None:
    """Raise unless `queries` [B, d] have the dtype of the keys and unit length, and 1 <= k <= m."""
    m, d = keys.shape
    check_rank("queries", queries, 2)
    if queries.shape[1] != d:
        raise ValueError(f"queries must be {d} wide like the keys, got {queries.shape[1]}")
    if module_of(queries) is not module_of(keys) or queries.dtype != keys.dtype:
        raise TypeError(f"queries must be {keys.dtype} like the keys, got {queries.dtype}")
    if not isinstance(k, (int, np.integer)) or not 1 <= k <= m:
        raise ValueError(f"k must lie between 1 and the {m} slots of the memory, got {k}")
    xp = module_of(queries)
    squares = xp.einsum("bd,bd->b", queries, queries)  # [B]; NaN and infinity show here
    if not bool((xp.abs(squares - 1) <= UNIT_TOLERANCE).all()):
        check_finite("queries", queries)
        length = xp.sqrt(squares)
        row = int(xp.abs(length - 1).argmax())
        raise ValueError(f"queries must have rows of length 1, got length {float(length[row]):g} in row {row}")


def check_update(slots: Array, new_keys: Array, keys: Array) -> None:
    """Raise unless `new_keys` [n, d] can stand in `slots` [n] of `keys`."""
    m, d = keys.shape
    check_rank("slots", slots, 1)
    if slots.dtype.kind not in "iu":
        raise TypeError(f"slots must be integers, got {slots.dtype}")
    if new_keys.shape != (slots.shape[0], d):
        raise ValueError(f"keys must have shape {(slots.shape[0], d)}, one row a slot, got {new_keys.shape}")
    if new_keys.dtype != keys.dtype:
        raise TypeError(f"keys must be {keys.dtype} like those that are there, got {new_keys.dtype}")
    if slots.size and not (0 <= int(slots.min()) and int(slots.max()) < m):
        raise ValueError(f"slots must lie in 0..{m - 1}, got {int(slots.min())} to {int(slots.max())}")
    check_keys("keys", new_keys)
