"""Sixteen dot products at a time: the innermost loop of `fused`, in LLVM's own terms.

A dot product by itself loads two vectors for each multiplication. Four queries and four keys load eight for sixteen
multiplications, and the sixteen sums stay in registers; compilers do not find this by themselves.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped

from refmem.arrays import Array
from refmem.neighbours.top_kernels import Number, intrinsic, kernel

SIDE = 4
"""Queries, and keys, of a tile."""

cgutils: Any = untyped

LANES = {types.float32: 16, types.float64: 8}
"""Numbers of one vector: 512 bits, which LLVM splits where registers are shorter."""


@intrinsic
def vector_sums(context: Any, queries: Any, query: Any, keys: Any, key: Any, whole: Any, sums: Any) -> Any:
    """sums[4 i + c] = sum over j < whole of queries[query + i, j] keys[key + c, j], for contiguous [rows, d] arrays.

    `whole` is a positive multiple of the lanes.
    """
    real = ir.FloatType() if queries.dtype == types.float32 else ir.DoubleType()
    lanes, size = LANES[queries.dtype], queries.dtype.bitwidth // 8
    vector, index = ir.VectorType(real, lanes), ir.IntType(64)
    tile = [(i, c) for i in range(SIDE) for c in range(SIDE)]

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        query_rows, key_rows, out = (context.make_array(signature.args[n])(context, builder, arguments[n])
                                     for n in (0, 2, 5))
        width, stop = cgutils.unpack_tuple(builder, key_rows.shape)[1], arguments[4]
        before, function = builder.basic_block, builder.function
        loop, after = function.append_basic_block("tile"), function.append_basic_block("tile_done")
        builder.branch(loop)

        builder.position_at_end(loop)
        j = builder.phi(index)
        so_far = {at: builder.phi(vector) for at in tile}

        def load(rows: Any, first: Any, row: int) -> Any:
            start = builder.mul(width, builder.add(first, index(row)))
            place = builder.gep(rows.data, [builder.add(start, j)])
            loaded = builder.load(builder.bitcast(place, vector.as_pointer()))
            loaded.align = size
            return loaded

        q = [load(query_rows, arguments[1], i) for i in range(SIDE)]
        k = [load(key_rows, arguments[3], c) for c in range(SIDE)]
        grown = {(i, c): builder.fadd(so_far[i, c], builder.fmul(q[i], k[c], flags=("fast",)), flags=("fast",))
                 for i, c in tile}
        following = builder.add(j, index(lanes))
        j.add_incoming(index(0), before)
        j.add_incoming(following, loop)
        for at in tile:
            so_far[at].add_incoming(ir.Constant(vector, [0.0] * lanes), before)
            so_far[at].add_incoming(grown[at], loop)
        builder.cbranch(builder.icmp_signed("<", following, stop), loop, after)

        builder.position_at_end(after)
        add_up = cgutils.get_or_insert_function(builder.module, ir.FunctionType(real, [real, vector]),
                                                f"llvm.vector.reduce.fadd.v{lanes}f{8 * size}")
        for n, at in enumerate(tile):
            total = builder.call(add_up, [real(0.0), grown[at]], fastmath=("fast",))
            builder.store(total, builder.gep(out.data, [index(n)]))
        return context.get_dummy_value()

    return types.void(queries, types.int64, keys, types.int64, types.int64, sums), emit


@kernel
def tile_dots(queries: Array, query: Number, keys: Array, key: Number, lanes: Number, sums: Array) -> None:
    """sums[4 i + c] = queries[query + i] . keys[key + c]; what is left of d behind whole vectors goes one by one."""
    d = keys.shape[1]
    whole = d - d % lanes
    if whole:
        vector_sums(queries, query, keys, key, whole, sums)
    else:
        sums[:] = 0
    if whole < d:
        for i in range(SIDE):
            for c in range(SIDE):
                for j in range(whole, d):
                    sums[SIDE * i + c] += queries[query + i, j] * keys[key + c, j]
