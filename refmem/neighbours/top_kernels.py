"""Kernels that all compiled searches share: the dot product, and a running top k.

The k best so far are a binary heap with the worst at its root: worse is the smaller cosine, and of equal cosines the
higher slot. So the order in which candidates come does not matter.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

from refmem.arrays import Array

Number: TypeAlias = Any
"""A number of a kernel: numba knows its type, Python does not need to."""

F = TypeVar("F", bound=Callable[..., Any])

FAST = {"reassoc", "contract", "nsz"}
"""Sums may be taken in another order, so that they run in vector registers; NaN and infinity keep their meaning."""


def kernel(function: F) -> F:
    """Compile at the first call for the types given, keep on disk, release the interpreter lock."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=FAST)(function))


def intrinsic(function: Callable[..., Any]) -> Callable[..., Number]:
    """A function for kernels, made of the LLVM code that `function` writes."""
    made: Callable[..., Number] = numba_intrinsic(function)
    return made


@intrinsic
def popcount(context: Any, word: Any) -> Any:
    """The number of one bits of a uint64: LLVM's ctpop, one instruction for 8 words where there is AVX-512."""
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])
    return types.uint64(types.uint64), emit


@intrinsic
def prefetch(context: Any, address: Any) -> Any:
    """Ask for the cache line at an address, so that it is there when it is read. Changes no result."""
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = builder.module.declare_intrinsic("llvm.prefetch", (pointer,),
                                               ir.FunctionType(ir.VoidType(), [pointer, whole, whole, whole]))
        builder.call(ask, [builder.inttoptr(arguments[0], pointer), whole(0), whole(3), whole(1)])  # to read, keep
        return context.get_dummy_value()
    return types.void(types.uintp), emit


@kernel
def dot(a: Array, b: Array) -> Number:
    """a . b"""
    total = a.dtype.type(0)
    for j in range(a.shape[0]):
        total += a[j] * b[j]
    return total


@kernel
def prefetch_row(address: Number, size: Number) -> None:
    """Ask for `size` bytes."""
    for line in range(0, size, 64):
        prefetch(np.uintp(address + line))


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


@kernel
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
