"""Blocks of a matrix product in vector registers, of which only the largest entries are kept.

A matrix product of a library writes all its entries to memory, where a second pass has to read them
again. The blocks are of floats, or of bytes: one instruction of VNNI multiplies four times as many
of these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._vectors import (
    FLAGS,
    data_of,
    everywhere,
    has_feature,
    has_long_vectors,
    index,
    instruction,
    is_whole,
    larger,
    load,
    reduced,
    store,
    vector,
)

__all__ = ["BYTES", "FLOATS", "Block", "byte_product", "has_byte_products", "nearness_block"]

_INT32 = ir.IntType(32)


class Block(NamedTuple):
    """Its rows, and its columns in vectors of so many lanes."""

    lanes: int
    vectors: int
    rows: int

    @property
    def columns(self) -> int:
        return self.lanes * self.vectors


# The sums of a block fill three quarters of the registers.
FLOATS = Block(16, 2, 12) if has_long_vectors() else Block(8, 2, 6)
BYTES = Block(16, 2, 12)


def has_byte_products() -> bool:
    """Whether the processor that Numba compiles for multiplies bytes faster than floats."""
    return has_feature("avx512vnni")


def _words(lanes: int) -> ir.VectorType:
    return ir.VectorType(_INT32, lanes)


def _added(builder: Any, total: Any, right: Any, left: Any) -> Any:
    """The total and the product, in every lane; of bytes four products."""
    if total.type == vector(total.type.count):
        return builder.fadd(total, builder.fmul(left, right, flags=FLAGS), flags=FLAGS)
    words = total.type
    if has_byte_products():
        vnni = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, ir.FunctionType(words, [words] * 3), "llvm.x86.avx512.vpdpbusd.512"
        )
        return builder.call(vnni, [total, right, left])
    # Elsewhere the same in steps, so that it can be tested; nothing there chooses it.
    for k in range(4):
        up, down = (ir.Constant(words, [bits] * words.count) for bits in (24 - 8 * k, 24))
        unsigned = builder.lshr(builder.shl(right, up), down)
        signed = builder.ashr(builder.shl(left, up), down)
        total = builder.add(total, builder.mul(unsigned, signed))
    return total


@instruction
def byte_product(typing_context, unsigned, at_unsigned, signed, at_signed, length):  # type: ignore[no-untyped-def]
    """Product of a row of bytes without a sign and one of bytes with a sign.

    Parameters
    ----------
    unsigned, signed : ndarray, (n,) int32
        Four bytes each.
    at_unsigned, at_signed : int64
        Places of the rows.
    length : int64
        Of the rows, a multiple of the lanes of `BYTES`.

    Returns
    -------
    int32
    """
    signature = types.int32(unsigned, at_unsigned, signed, at_signed, length)
    lanes = BYTES.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at_unsigned, _, at_signed, length = arguments
        right, left = data_of(context, builder, signature, arguments, 0, 2)
        zero = ir.Constant(_words(lanes), [0] * lanes)
        total = cgutils.alloca_once_value(builder, zero)  # type: ignore[no-untyped-call]
        builder.store(zero, total)
        with cgutils.for_range_slice(builder, index(0), length, index(lanes)) as (k, _):
            one = load(builder, right, builder.add(at_unsigned, k), lanes)
            other = load(builder, left, builder.add(at_signed, k), lanes)
            builder.store(_added(builder, builder.load(total), one, other), total)
        return reduced(builder, "add", builder.load(total))

    return signature, generate


def _sums(
    builder: Any, block: Block, starts: list[Any], less: list[Any], left: Any, at: Any, length: Any,
    right: Any, at_panel: Any,
) -> list[Any]:  # fmt: skip
    """Starts less what is taken off a row, and the products: the vectors of all rows in turn."""
    places = []
    # LLVM keeps these in registers.
    for off in less:
        for start in starts:
            place = cgutils.alloca_once(builder, start.type)  # type: ignore[no-untyped-call]
            difference = builder.sub if is_whole(off) else builder.fsub
            builder.store(difference(start, off), place)
            places.append(place)
    with cgutils.for_range(builder, length) as loop:
        column = builder.add(at_panel, builder.mul(loop.index, index(block.columns)))
        rights = [
            load(builder, right, builder.add(column, index(j * block.lanes)), block.lanes)
            for j in range(block.vectors)
        ]
        for i in range(block.rows):
            row = builder.add(at, builder.mul(index(i), length))
            value = builder.load(builder.gep(left, [builder.add(row, loop.index)]))
            here = everywhere(builder, value, block.lanes)
            for j, those in enumerate(rights):
                place = places[i * block.vectors + j]
                builder.store(_added(builder, builder.load(place), those, here), place)
        # LLVM unrolls the loop; without this it moves all loads of two rounds to the front, and has
        # no registers left for the sums.
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], True)
    return [builder.load(place) for place in places]


@instruction
def nearness_block(  # type: ignore[no-untyped-def]
    typing_context, rows, at, less, first, length, panels, at_panel, start, at_start,
    of_rows, at_rows, of_columns, at_columns,
):  # fmt: skip
    """Nearness of the rows of a block to its columns; the largest are kept for groups of them.

    Parameters
    ----------
    rows : ndarray, (n,) float32 or int32
        Rows of `length`, one after the other; an int32 is four bytes with a sign.
    at : int64
        Place of the first row.
    less : ndarray, (n,) float32 or int32
        Taken off all products of a row.
    first : int64
        Place in `less` of the first row's.
    length : int64
        Of a row.
    panels : ndarray, (n,) float32 or int32
        The first entries of a block's columns, then their second ones, and so on; an int32 is four
        bytes without a sign.
    at_panel : int64
        Place of the first column.
    start : ndarray, (n,) float32 or int32
        What the products of a column are added to.
    at_start : int64
        Place in `start` of the first column's.
    of_rows : ndarray, (n,) float32 or int32
        A row's largest in every lane; raised where this block has a larger one.
    at_rows : int64
        Place of the first row's.
    of_columns : ndarray, (n,) float32 or int32
        A column's largest in this block. Written.
    at_columns : int64
        Place of the first column's.
    """
    signature = types.void(
        rows, at, less, first, length, panels, at_panel, start, at_start, of_rows, at_rows,
        of_columns, at_columns,
    )  # fmt: skip
    block = FLOATS if rows.dtype == types.float32 else BYTES
    _, n_vectors, n_rows = block

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, _, first, length, _, at_panel, _, at_start, _, at_rows, _, at_columns = arguments
        left, off, right, base, best, out = data_of(
            context, builder, signature, arguments, 0, 2, 5, 7, 9, 11
        )
        lanes = [index(j * block.lanes) for j in range(max(n_vectors, n_rows))]
        starts = [
            load(builder, base, builder.add(at_start, lanes[j]), block.lanes)
            for j in range(n_vectors)
        ]
        offs = [
            builder.load(builder.gep(off, [builder.add(first, index(i))])) for i in range(n_rows)
        ]
        less = [everywhere(builder, value, block.lanes) for value in offs]
        sums = _sums(builder, block, starts, less, left, at, length, right, at_panel)
        for i in range(n_rows):
            place = builder.add(at_rows, lanes[i])
            largest = load(builder, best, place, block.lanes)
            for j in range(n_vectors):
                largest = larger(builder, largest, sums[i * n_vectors + j])
            store(builder, largest, best, place)
        for j in range(n_vectors):
            largest = sums[j]
            for i in range(1, n_rows):
                largest = larger(builder, largest, sums[i * n_vectors + j])
            store(builder, largest, out, builder.add(at_columns, lanes[j]))
        return context.get_dummy_value()

    return signature, generate
