"""Coarse scores of 64 keys for four queries at a time: the innermost loop of `sketch` and `buckets`, in LLVM's terms.

A byte of code holds two corners, and a query knows the score of each of the 16 corners of a block. Processors have an
instruction that looks up 16 or 32 such halves of a byte at once in a table of 16 bytes (PSHUFB, TBL), so that the
score of a key costs half an instruction a block. Where there is no such instruction the lookups go one by one.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped

from refmem.neighbours.kernels.llvm import intrinsic

cgutils: Any = untyped

GROUP = 64
ABREAST = 4
"""Queries of one call: their sums, the codes and the tables fill the registers."""

BYTE, INDEX, NUMBER = ir.IntType(8), ir.IntType(64), ir.IntType(32)
ROW = ir.VectorType(BYTE, 16)


def instruction(triple: str, features: str) -> tuple[str | None, int]:
    """LLVM's name of the lookup instruction of a machine, and how many lookups it does. None where there is none."""
    if "+avx2" in features:
        return "llvm.x86.avx2.pshuf.b", 32
    if "+ssse3" in features:
        return "llvm.x86.ssse3.pshuf.b.128", 16
    if triple.startswith(("aarch64", "arm64")):
        return "llvm.aarch64.neon.tbl1.v16i8", 16
    return None, 16


@intrinsic
def score_group(context: Any, codes: Any, group: Any, tables: Any, who: Any, first: Any, cuts: Any, scores: Any,
                passed: Any) -> Any:
    """Whether any of the 64 keys of a group reaches the cut of one of four queries, who[first] ... who[first + 3].

    A query q is a row of tables [., blocks, 16] int8, and its cut is cuts[q]. Only where the answer is yes,
    scores[i] [64] int8 = the scores for the i-th query, passed[i] = the bits of those that are at least its cut.
    """
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        triple, _, features = context.codegen().magic_tuple()
        name, lanes = instruction(triple, features)
        vector, bit = ir.VectorType(BYTE, lanes), ir.VectorType(ir.IntType(1), lanes)
        columns = range(0, GROUP, lanes)
        code_at, table_at, who_at, cut_at, score_at, passed_at = (
            context.make_array(signature.args[n])(context, builder, arguments[n]) for n in (0, 2, 3, 5, 6, 7))
        length = cgutils.unpack_tuple(builder, code_at.shape)[1]
        blocks = cgutils.unpack_tuple(builder, table_at.shape)[1]
        queries = [builder.load(builder.gep(who_at.data, [builder.add(arguments[4], INDEX(i))]))
                   for i in range(ABREAST)]

        def load(pointer: Any, kind: Any) -> Any:
            loaded = builder.load(builder.bitcast(pointer, kind.as_pointer()))
            loaded.align = 1
            return loaded

        def spread(small: Any) -> Any:
            """16 bytes, as often as they fit into a vector."""
            if lanes == 16:
                return small
            order = ir.Constant(ir.VectorType(NUMBER, lanes), [i % 16 for i in range(lanes)])
            return builder.shuffle_vector(small, ir.Constant(ROW, ir.Undefined), order)

        def look_up(table: Any, corners: Any) -> Any:
            if name:
                function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector, vector]),
                                                          name)
                return builder.call(function, [table, corners])
            found = ir.Constant(vector, ir.Undefined)
            for i in range(lanes):
                corner = builder.extract_element(corners, NUMBER(i))
                found = builder.insert_element(found, builder.extract_element(table, corner), NUMBER(i))
            return found

        code_start = builder.gep(code_at.data, [builder.mul(builder.mul(arguments[1], length), INDEX(GROUP))])
        table_starts = [builder.gep(table_at.data, [builder.mul(builder.mul(q, blocks), INDEX(16))]) for q in queries]
        before, function = builder.basic_block, builder.function
        loop, after = function.append_basic_block("scores"), function.append_basic_block("scores_done")
        builder.branch(loop)

        builder.position_at_end(loop)  # one byte of the codes: more of them at a time would not fit the registers
        t = builder.phi(INDEX)
        so_far = {(i, c): builder.phi(vector) for i in range(ABREAST) for c in columns}
        low_half, shift = ir.Constant(vector, [15] * lanes), ir.Constant(vector, [4] * lanes)
        bytes_start = builder.mul(t, INDEX(GROUP))
        both = {c: load(builder.gep(code_start, [builder.add(bytes_start, INDEX(c))]), vector) for c in columns}
        low = {c: builder.and_(both[c], low_half) for c in columns}
        high = {c: builder.lshr(both[c], shift) for c in columns}
        sums = {}
        for i in range(ABREAST):
            start = builder.gep(table_starts[i], [builder.mul(t, INDEX(32))])
            for_low, for_high = spread(load(start, ROW)), spread(load(builder.gep(start, [INDEX(16)]), ROW))
            for c in columns:
                pair = builder.add(look_up(for_low, low[c]), look_up(for_high, high[c]))
                sums[i, c] = builder.add(so_far[i, c], pair)
        following = builder.add(t, INDEX(1))
        t.add_incoming(INDEX(0), before)
        t.add_incoming(following, loop)
        for which, phi in so_far.items():
            phi.add_incoming(ir.Constant(vector, [0] * lanes), before)
            phi.add_incoming(sums[which], loop)
        builder.cbranch(builder.icmp_signed("<", following, length), loop, after)

        builder.position_at_end(after)
        below, all_below = {}, ir.Constant(bit, [1] * lanes)
        for i, query in enumerate(queries):
            cut = builder.insert_element(ir.Constant(vector, ir.Undefined),
                                         builder.load(builder.gep(cut_at.data, [query])), NUMBER(0))
            cut = builder.shuffle_vector(cut, cut, ir.Constant(ir.VectorType(NUMBER, lanes), [0] * lanes))
            for c in columns:
                below[i, c] = builder.icmp_signed(">", cut, sums[i, c])
                all_below = builder.and_(all_below, below[i, c])
        any_passed = builder.icmp_unsigned("!=", builder.bitcast(all_below, ir.IntType(lanes)), ir.IntType(lanes)(-1))
        with builder.if_then(any_passed, likely=False):
            for i in range(ABREAST):
                bits = INDEX(0)
                for c in columns:
                    missed = builder.zext(builder.bitcast(below[i, c], ir.IntType(lanes)), INDEX)
                    bits = builder.or_(bits, builder.shl(missed, INDEX(c)))
                    target = builder.gep(score_at.data, [INDEX(GROUP * i + c)])
                    builder.store(sums[i, c], builder.bitcast(target, vector.as_pointer())).align = 1
                builder.store(builder.not_(bits), builder.gep(passed_at.data, [INDEX(i)]))
        return any_passed

    whole = types.int64
    return types.boolean(codes, whole, tables, who, whole, cuts, scores, passed), emit


@intrinsic
def disagreement(context: Any, fine: Any, slot: Any, signs: Any, sizes: Any) -> Any:
    """The sum of sizes[i] over the bits i in which row `slot` of fine codes [., bytes] and `signs` [bytes] differ.

    There is a multiple of 16 bytes, and no size is above 63: four of them fit into a byte.
    """
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        fine_at, signs_at, sizes_at = (context.make_array(signature.args[n])(context, builder, arguments[n])
                                       for n in (0, 2, 3))
        length = cgutils.unpack_tuple(builder, fine_at.shape)[1]
        row = builder.gep(fine_at.data, [builder.mul(arguments[1], length)])
        word, bits, bytes32 = ir.IntType(32), ir.VectorType(ir.IntType(1), 32), ir.VectorType(BYTE, 32)
        wide = ir.VectorType(ir.IntType(16), 32)
        add_up = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(16), [wide]),
                                                "llvm.vector.reduce.add.v32i16")
        before, function = builder.basic_block, builder.function
        loop, after = function.append_basic_block("signs"), function.append_basic_block("signs_done")

        def load(pointer: Any, kind: Any) -> Any:
            loaded = builder.load(builder.bitcast(pointer, kind.as_pointer()))
            loaded.align = 1
            return loaded

        builder.branch(loop)
        builder.position_at_end(loop)
        t, total = builder.phi(INDEX), builder.phi(INDEX)
        sums = ir.Constant(bytes32, [0] * 32)
        for part in range(4):
            place = builder.add(t, INDEX(4 * part))
            differ = builder.xor(load(builder.gep(row, [place]), word),
                                 load(builder.gep(signs_at.data, [place]), word))
            weights = load(builder.gep(sizes_at.data, [builder.mul(place, INDEX(8))]), bytes32)
            sums = builder.add(sums, builder.select(builder.bitcast(differ, bits), weights,
                                                    ir.Constant(bytes32, [0] * 32)))
        grown = builder.add(total, builder.zext(builder.call(add_up, [builder.zext(sums, wide)]), INDEX))
        following = builder.add(t, INDEX(16))
        for phi, value in ((t, following), (total, grown)):
            phi.add_incoming(INDEX(0), before)
            phi.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, length), loop, after)
        builder.position_at_end(after)
        return grown

    return types.int64(fine, types.int64, signs, sizes), emit
