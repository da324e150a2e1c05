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
def finish(cosines: Array, slots: Array, size: Number) -> None:
    """Sort the heap, best first, and mark what is missing: ABSENT_SLOT, ABSENT_COSINE."""
    for last in range(size - 1, 0, -1):  # the worst goes behind the rest
        cosine, slot = cosines[last], slots[last]
        cosines[last], slots[last] = cosines[0], slots[0]
        sink(cosines, slots, last, cosine, slot)
    for i in range(size, slots.shape[0]):
        cosines[i], slots[i] = -1.0, -1
