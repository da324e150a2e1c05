"""What kernels are made with: the decorator, and the instructions that Python has no word for.

numba keeps compiled kernels on disk, but looks for changes only in the file of the kernel itself, not in those of the
kernels that it calls, whose code it has taken in. Here the stamp of a kernel is that of all kernel files together.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

Number: TypeAlias = Any
"""A number of a kernel: numba knows its type, Python does not need to."""

F = TypeVar("F", bound=Callable[..., Any])

FAST = {"reassoc", "contract", "nsz"}
"""Sums may be taken in another order, so that they run in vector registers; NaN and infinity keep their meaning."""

SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def kernel(function: F) -> F:
    """Compile at the first call for the types given, keep on disk, release the interpreter lock."""
    made: Any = numba.njit(cache=True, nogil=True, fastmath=FAST)(function)
    try:
        kept = made._cache._cache_file
        kept._source_stamp = (kept._source_stamp, SOURCES.hexdigest())
    except AttributeError:  # a numba that keeps its files in another way: better slow to start than stale
        made = numba.njit(nogil=True, fastmath=FAST)(function)
    return cast(F, made)


def step(function: F) -> F:
    """A part of one kernel: compiled in its place, not for itself, which would take as long again."""
    return cast(F, numba.njit(nogil=True, fastmath=FAST, inline="always")(function))


def intrinsic(function: Callable[..., Any]) -> Callable[..., Number]:
    """A function for kernels, made of the LLVM code that `function` writes."""
    made: Callable[..., Number] = numba_intrinsic(function)
    return made


@intrinsic
def lowest(context: Any, word: Any) -> Any:
    """The number of the lowest one bit of a uint64 that is not 0."""
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))
    return types.int64(types.uint64), emit


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
def prefetch_row(address: Number, size: Number) -> None:
    """Ask for `size` bytes."""
    for line in range(0, size, 64):
        prefetch(np.uintp(address + line))
