"""The indexes by name, and which of them suits a memory."""

import numpy as np

from refmem.arrays import Array, module_of
from refmem.neighbours.buckets import Buckets
from refmem.neighbours.fused import Fused
from refmem.neighbours.hyperplanes import Hyperplanes
from refmem.neighbours.plain import Exact
from refmem.neighbours.protocol import Neighbours
from refmem.neighbours.sketch import Sketch

NAMES = ("exact", "fused", "hyperplanes", "sketch", "buckets", "auto")

FUSE_FROM = 1024
"""Slots from which `auto` takes the compiled exact search: below, both take less than the step around them."""

SCAN_FROM = 4096
"""Slots from which `auto` scans sketches: three times as fast there for one neighbour, a third faster for 256.

It never takes buckets. Up to four million slots, the most that were measured, the scan is as fast and misses less.
"""


def make(name: str, keys: Array, *, filled: Array | None = None, seed: int = 0, threads: int = 1) -> Neighbours:
    """An index over `keys` [m, d].

    Parameters
    ----------
    name : str
        One of `NAMES`. What "auto" picked is the `name` of the index that is returned.
    keys : [m, d] float32 or float64
        Looked into, not copied. On the GPU there are "exact" and "hyperplanes".
    filled : [m] bool, optional
        The written slots; None is all.
    seed : int
        For whatever the index draws: the same seed gives the same answers.
    threads : int
        For the compiled searches.

    Raises
    ------
    ValueError, TypeError
        If there is no such search, or the keys do not suit it.
    """
    if name == "auto":
        name = pick(keys)
    if name == "exact":
        return Exact(keys, filled=filled)
    if name == "fused":
        return Fused(keys, filled=filled, threads=threads)
    if name == "hyperplanes":
        return Hyperplanes(keys, filled=filled, seed=seed)
    if name == "sketch":
        return Sketch(keys, filled=filled, seed=seed, threads=threads)
    if name == "buckets":
        return Buckets(keys, filled=filled, seed=seed, threads=threads)
    raise ValueError(f"search must be one of {', '.join(NAMES)}, got {name!r}")


def pick(keys: Array) -> str:
    """What "auto" means for keys [m, d]."""
    if module_of(keys, "keys") is not np or len(keys) < FUSE_FROM:
        return "exact"
    return "fused" if len(keys) < SCAN_FROM else "sketch"
