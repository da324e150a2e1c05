"""Kernels that all compiled searches share: the dot product, and a running top k.

The k best so far are a binary heap with the worst at its root: worse is the smaller cosine, and of equal cosines the
higher slot. So the order in which candidates come does not matter.
"""

import numpy as np

from refmem.arrays import Array
from refmem.neighbours.kernels.llvm import Number, kernel, step


@kernel
def dot(a: Array, b: Array) -> Number:
    """a . b"""
    total = a.dtype.type(0)
    for j in range(a.shape[0]):
        total += a[j] * b[j]
    return total


@kernel
def offer(cosines: Array, slots: Array, size: Number, cosine: Number, slot: Number) -> Number:
    """Put (cosine, slot) among the k = len(slots) best, of which there are `size`. Returns the new size."""
    k = slots.shape[0]
    if size < k:  # grow: the newcomer rises while it is worse than its parent
        i = size
        while i > 0:
            parent = (i - 1) // 2
            if cosines[parent] < cosine or (cosines[parent] == cosine and slots[parent] > slot):
                break
            cosines[i], slots[i] = cosines[parent], slots[parent]
            i = parent
        cosines[i], slots[i] = cosine, slot
        return size + 1
    if cosine < cosines[0] or (cosine == cosines[0] and slot > slots[0]):
        return size
    sink(cosines, slots, k, cosine, slot)
    return size


@kernel
def sink(cosines: Array, slots: Array, size: Number, cosine: Number, slot: Number) -> None:
    """Replace the root of a heap of `size` by (cosine, slot)."""
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (cosines[other] < cosines[child]
                             or (cosines[other] == cosines[child] and slots[other] > slots[child])):
            child = other
        if cosine < cosines[child] or (cosine == cosines[child] and slot > slots[child]):
            break
        cosines[i], slots[i] = cosines[child], slots[child]
        i = child
    cosines[i], slots[i] = cosine, slot


@kernel
def sort(cosines: Array, slots: Array, size: Number) -> None:
    """Sort the first `size`, best first: by counting into bins of cosine, then by insertion within reach of a bin."""
    if size < 2:
        return
    least, most = cosines[0], cosines[0]
    for i in range(size):
        least, most = min(least, cosines[i]), max(most, cosines[i])
    bins = 2 * size
    scale = (bins - 1) / (most - least) if most > least else cosines.dtype.type(0)
    starts = np.zeros(bins + 1, np.int64)
    for i in range(size):
        starts[np.int64((most - cosines[i]) * scale) + 1] += 1
    for i in range(bins):
        starts[i + 1] += starts[i]
    old_cosines, old_slots = cosines[:size].copy(), slots[:size].copy()
    for i in range(size):
        place = np.int64((most - old_cosines[i]) * scale)
        cosines[starts[place]], slots[starts[place]] = old_cosines[i], old_slots[i]
        starts[place] += 1
    for i in range(1, size):
        cosine, slot = cosines[i], slots[i]
        j = i
        while j > 0 and (cosines[j - 1] < cosine or (cosines[j - 1] == cosine and slots[j - 1] > slot)):
            cosines[j], slots[j] = cosines[j - 1], slots[j - 1]
            j -= 1
        cosines[j], slots[j] = cosine, slot


@step
def begin(cosines: Array, slots: Array, some_cosines: Array, some_slots: Array, size: Number) -> Number:
    """Start a top k with the best of `size` candidates, which are sorted in place. Returns how many it has."""
    sort(some_cosines, some_slots, size)
    kept = min(size, slots.shape[0])
    for i in range(kept):  # worst first: a sorted row is a heap
        cosines[i], slots[i] = some_cosines[kept - 1 - i], some_slots[kept - 1 - i]
    return kept


@kernel
def finish(cosines: Array, slots: Array, size: Number) -> None:
    """Sort the heap, best first, and mark what is missing: ABSENT_SLOT, ABSENT_COSINE."""
    sort(cosines, slots, size)
    for i in range(size, slots.shape[0]):
        cosines[i], slots[i] = -1.0, -1
