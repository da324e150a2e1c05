"""The exact search as an index, for a place that takes one."""

from refmem.arrays import Array
from refmem.neighbours import exact, protocol


class Exact(protocol.Neighbours):
    """`exact.search` over `keys` [m, d], of NumPy or CuPy, looked into and not copied.

    Parameters
    ----------
    keys : [m, d] float32 or float64
    filled : [m] bool, optional
        The written slots; None is all.
    """

    name = "exact"

    def __init__(self, keys: Array, *, filled: Array | None = None) -> None:
        self.rebuild(keys, filled)

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """See `protocol.Neighbours`."""
        protocol.check_queries(queries, self.keys, k)
        return exact.search(queries, self.keys, k, filled=self.filled)

    def refresh(self, slots: Array) -> None:
        """See `protocol.Neighbours`."""
        # spec: index.own-key -- a written key is found by itself, at once (refmem)
        self.filled[slots] = True

    def rebuild(self, keys: Array, filled: Array | None = None) -> None:
        """See `protocol.Neighbours`."""
        protocol.check_keys("keys", keys)
        # spec: index.anew -- after any updates the answers are those of an index made anew (refmem)
        self.filled = protocol.check_filled(filled, keys)
        self.keys = keys

    def nbytes(self) -> int:
        """See `protocol.Neighbours`."""
        return int(self.filled.nbytes)
