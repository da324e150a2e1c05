"""Codes of keys (`codes.py`), and the tables with which a query reads them.

Coarse codes stand in groups of 64 keys, [groups, bytes, 64] uint8: byte t of a key holds the corners of blocks 2 t
(low half) and 2 t + 1 (high half), and the same byte of 64 keys is one run of memory. A corner is 2 i for coordinate i
of the block, 2 i + 1 for its negative side. Fine codes are rows, [slots, bytes] uint8, one bit a coordinate.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.llvm import Number, kernel, step
from refmem.neighbours.kernels.tile import KEYS, across_lanes, lanes_of, tile_dots

GROUP = 64
BLOCK = BYTE = 8
MANY = 64
"""Keys that are coded at a time."""

MOST = 127
"""The largest score: scores are counted in 8 bits."""


LEAST = 1e-30
"""Instead of nothing, to divide by: a query that is orthogonal to all directions of a code."""

LARGEST = 63
"""The largest size of a coordinate (`lookup.disagreement`)."""


class Reading(NamedTuple):
    """A batch of B queries, ready to be held against codes. Row B of the tables is a query that nothing is near to."""

    turned: Array  # [B, coordinates] the queries' coordinates
    units: Array  # [B] what a score of 1 stands for
    coarse: Array  # [B + 1, blocks, 16] int8: the score of each corner of each block


@kernel
def turn(rotation: Array, rows: Array, values: Array) -> None:
    """values[b, j] = rows[b] . rotation[j], each sum by itself: equal rows get equal values.

    `rotation` has a multiple of `KEYS` rows, those of zeros behind the last coordinate.
    """
    lanes = lanes_of(rows)
    columns, sums = np.empty((rows.shape[1], lanes), rows.dtype), np.empty((KEYS, lanes), rows.dtype)
    for first in range(0, rows.shape[0], lanes):
        across_lanes(rows, first, columns)
        for start in range(0, rotation.shape[0], KEYS):
            tile_dots(columns, rotation, start, 0, sums)
            for b in range(min(lanes, rows.shape[0] - first)):
                for c in range(min(KEYS, values.shape[1] - start)):
                    values[first + b, start + c] = sums[c, b]


@step
def turn_slots(rotation: Array, keys: Array, slots: Array, rows: Array, values: Array) -> None:
    """`turn` for keys[slots], of which there are at most `MANY`; `rows` and `values` are room for them."""
    for i in range(len(slots)):
        for j in range(keys.shape[1]):
            rows[i, j] = keys[slots[i], j]
    turn(rotation, rows[:len(slots)], values)


@kernel
def corner(values: Array) -> Number:
    """The nearest of the corners +-e_i of the cross-polytope: 2 i, or 2 i + 1 on the negative side."""
    best, most = 0, abs(values[0])
    for i in range(1, values.shape[0]):  # without a branch, which would be a guess
        size = abs(values[i])
        best = i if size > most else best
        most = max(size, most)
    return 2 * best + (1 if values[best] < 0 else 0)


@kernel
def put_code(values: Array, group: Number, column: Number, slot: Number, coarse: Array, fine: Array) -> None:
    """Write the code of coordinates `values`: the coarse part into its column, the fine part into its row."""
    for t in range(coarse.shape[1]):
        start = 2 * BLOCK * t
        low, high = corner(values[start:start + BLOCK]), corner(values[start + BLOCK:start + 2 * BLOCK])
        coarse[group, t, column] = low | high << 4
    for t in range(fine.shape[1]):
        byte = 0
        for i in range(8):
            byte |= (values[8 * t + i] > 0) << i
        fine[slot, t] = byte


@step
def read_queries(rotation: Array, queries: Array, reading: Reading) -> None:
    """Fill in `reading`. The unit of a query is such that no sum of rounded scores overflows."""
    blocks = reading.coarse.shape[1]
    turn(rotation, queries, reading.turned)
    for b in range(queries.shape[0]):
        values = reading.turned[b]
        most = 0.0
        for j in range(blocks):
            largest = 0.0
            for i in range(BLOCK):
                largest = max(largest, abs(values[BLOCK * j + i]))
            most += largest
        unit = max(most, LEAST) / (MOST - blocks / 2)
        reading.units[b] = unit
        for j in range(blocks):
            for i in range(BLOCK):
                score = np.int8(np.rint(values[BLOCK * j + i] / unit))
                reading.coarse[b, j, 2 * i], reading.coarse[b, j, 2 * i + 1] = score, -score
    reading.coarse[queries.shape[0]] = 0


@kernel
def weigh_signs(values: Array, signs: Array, sizes: Array) -> Number:
    """The signs of a query's coordinates as bits, and their sizes as numbers up to 63. Returns what a 1 stands for."""
    most = 0.0
    for value in values:
        most = max(most, abs(value))
    unit = max(most, LEAST) / LARGEST
    for i in range(len(sizes)):
        sizes[i] = np.uint8(np.rint(abs(values[i]) / unit))
    for t in range(len(signs)):
        byte = 0
        for i in range(8):
            byte |= (values[8 * t + i] > 0) << i
        signs[t] = byte
    return unit
