"""Who is near a query: the exact search, and indexes that find nearly the same much faster.

    exact         compare with every key; plain array code, the meaning of all the others
    fused         the same in one compiled pass that keeps the top k as it goes
    hyperplanes   the paper's hashing as written; plain array code
    sketch        every key's sign bits are scanned, what looks near is compared exactly
    buckets       cross-polytope hashing for memories where scanning is too slow
    auto          one of them, by the size of the memory

`make` builds one by its name. All keep the promises of `protocol.Neighbours`.
"""

from refmem.neighbours.catalogue import NAMES, make
from refmem.neighbours.protocol import Neighbours

__all__ = ["NAMES", "Neighbours", "make"]
