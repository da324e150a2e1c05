"""Many dot products at a time: the innermost loop of `fused`, in LLVM's own terms.

The queries lie across the lanes of a vector, coordinate after coordinate. A coordinate of a key is spread over all
lanes, multiplied with those of the queries, and added to the sums of that key. So six keys load eight vectors for
twelve multiplications (16 single-precision queries, registers of 256 bits), and no sum is added up across lanes. Each
sum is made in the order of the coordinates: equal keys get equal sums wherever they stand.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped

from refmem.arrays import Array
from refmem.neighbours.kernels.llvm import Number, intrinsic, kernel

KEYS = 6
"""Keys of a tile: their sums fill the registers."""

LANES = {types.float32: 16, types.float64: 8}
"""Queries of a tile."""

cgutils: Any = untyped


@intrinsic
def lanes_of(context: Any, rows: Any) -> Any:
    """How many queries make a tile."""
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.IntType(64)(LANES[rows.dtype])
    return types.int64(rows), emit


@intrinsic
def tile_dots(context: Any, columns: Any, keys: Any, key: Any, ahead: Any, sums: Any) -> Any:
    """sums[c, b] = sum over j of columns[j, b] keys[key + c, j], for contiguous columns [d, lanes] and keys [rows, d].

    Meanwhile the keys `ahead` rows further on are asked for, a line at a time, so that memory never waits for the
    arithmetic nor the arithmetic for memory; there need not be any.
    """
    real = ir.FloatType() if keys.dtype == types.float32 else ir.DoubleType()
    lanes, size = LANES[keys.dtype], keys.dtype.bitwidth // 8
    vector, index, number = ir.VectorType(real, lanes), ir.IntType(64), ir.IntType(32)
    everywhere = ir.Constant(ir.VectorType(number, lanes), [0] * lanes)
    line = 64 // size  # numbers in a cache line

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        across, rows, out = (context.make_array(signature.args[n])(context, builder, arguments[n]) for n in (0, 1, 4))
        width = cgutils.unpack_tuple(builder, rows.shape)[1]
        starts = [builder.gep(rows.data, [builder.mul(width, builder.add(arguments[2], index(c)))])
                  for c in range(KEYS)]
        distance = builder.mul(width, arguments[3])
        multiply_add = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3),
                                                      f"llvm.fmuladd.v{lanes}f{8 * size}")
        pointer = ir.IntType(8).as_pointer()
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch", (pointer,), ir.FunctionType(ir.VoidType(), [pointer, number, number, number]))

        def add_products(j: Any, so_far: list[Any]) -> list[Any]:
            """The sums with the products of coordinate j."""
            queries = builder.load(builder.bitcast(builder.gep(across.data, [builder.mul(j, index(lanes))]),
                                                   vector.as_pointer()))
            queries.align = size
            grown = []
            for c in range(KEYS):
                one = builder.insert_element(ir.Constant(vector, ir.Undefined),
                                             builder.load(builder.gep(starts[c], [j])), number(0))
                grown.append(builder.call(multiply_add, [queries, builder.shuffle_vector(one, one, everywhere),
                                                         so_far[c]]))
            return grown

        def loop(name: str, first: Any, last: Any, step: int, begun: list[Any]) -> list[Any]:
            """The sums over first <= j < last in steps."""
            before, function = builder.basic_block, builder.function
            test, body, after = (function.append_basic_block(f"{name}_{part}") for part in ("test", "body", "done"))
            builder.branch(test)
            builder.position_at_end(test)
            j, sums = builder.phi(index), [builder.phi(vector) for _ in range(KEYS)]
            builder.cbranch(builder.icmp_signed("<", j, last), body, after)
            builder.position_at_end(body)
            grown: list[Any] = list(sums)
            if step > 1:
                for start in starts:
                    coming = builder.bitcast(builder.gep(start, [builder.add(j, distance)]), pointer)
                    builder.call(prefetch, [coming, number(0), number(3), number(1)])
            for further in range(step):
                grown = add_products(builder.add(j, index(further)), grown)
            j.add_incoming(first, before)
            j.add_incoming(builder.add(j, index(step)), body)
            for c in range(KEYS):
                sums[c].add_incoming(begun[c], before)
                sums[c].add_incoming(grown[c], body)
            builder.branch(test)
            builder.position_at_end(after)
            return list(sums)

        whole = builder.and_(width, index(-line))
        found = loop("lines", index(0), whole, line, [ir.Constant(vector, [0.0] * lanes)] * KEYS)
        found = loop("rest", whole, width, 1, found)
        for c in range(KEYS):
            target = builder.bitcast(builder.gep(out.data, [index(c * lanes)]), vector.as_pointer())
            builder.store(found[c], target).align = size
        return context.get_dummy_value()

    return types.void(columns, keys, types.int64, types.int64, sums), emit


@kernel
def across_lanes(queries: Array, first: Number, columns: Array) -> None:
    """columns[j, b] = queries[first + b, j], 0 where there is no such query."""
    for j in range(columns.shape[0]):
        for b in range(columns.shape[1]):
            columns[j, b] = queries[first + b, j] if first + b < queries.shape[0] else 0
