"""Blocks of a matrix product in vector registers, of which only the largest entries are kept.

A matrix product of a library writes all its entries to memory, where a second pass has to read them
again. The blocks are of floats, or of bytes, four times as many of which fit into a vector.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._blocks import BYTES, CODES, FLOATS, Block
from siftcore.kernels._byte_products import bytes_added
from siftcore.kernels._vectors import (
    FLAGS,
    data_of,
    everywhere,
    index,
    instruction,
    is_whole,
    larger,
    load,
    store,
)

__all__ = ["nearness_block"]


def _added(builder: Any, total: Any, values: list[tuple[Any, Any]]) -> Any:
    """The total and the products of pairs, in every lane."""
    if is_whole(total):
        return bytes_added(builder, total, values)
    for one, other in values:
        total = builder.fadd(total, builder.fmul(one, other, flags=FLAGS), flags=FLAGS)
    return total


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
    steps = CODES.steps if is_whole(starts[0]) else 1
    with cgutils.for_range_slice(builder, index(0), length, index(steps)) as (k, _):
        following = [builder.add(k, index(step)) for step in range(steps)]
        columns = [
            builder.add(at_panel, builder.mul(one, index(block.columns))) for one in following
        ]
        rights = [
            [
                load(builder, right, builder.add(column, index(j * block.lanes)), block.lanes)
                for column in columns
            ]
            for j in range(block.vectors)
        ]
        for i in range(block.rows):
            row = builder.add(at, builder.mul(index(i), length))
            values = [builder.load(builder.gep(left, [builder.add(row, one)])) for one in following]
            here = [everywhere(builder, value, block.lanes) for value in values]
            for j, those in enumerate(rights):
                place = places[i * block.vectors + j]
                total = _added(builder, builder.load(place), list(zip(those, here, strict=True)))
                builder.store(total, place)
        # LLVM unrolls the loop; without this it moves all loads of two rounds to the front, and has
        # no registers left for the sums.
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], True)
    return [builder.load(place) for place in places]


@instruction
def nearness_block(  # type: ignore[no-untyped-def]
    typing_context, rows, at, less, first, length, panels, at_panel, start, at_start,
    of_rows, at_rows, stride, of_columns, at_columns,
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
    stride : int64
        From the first row's to the next one's.
    of_columns : ndarray, (n,) float32 or int32
        A column's largest in this block. Written.
    at_columns : int64
        Place of the first column's.
    """
    signature = types.void(
        rows, at, less, first, length, panels, at_panel, start, at_start, of_rows, at_rows,
        stride, of_columns, at_columns,
    )  # fmt: skip
    block = FLOATS if rows.dtype == types.float32 else BYTES
    _, n_vectors, n_rows = block

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, _, first, length, _, at_panel, _, at_start, _, at_rows, stride, _, at_columns = (
            arguments
        )
        left, off, right, base, best, out = data_of(
            context, builder, signature, arguments, 0, 2, 5, 7, 9, 12
        )
        lanes = [index(j * block.lanes) for j in range(n_vectors)]
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
            place = builder.add(at_rows, builder.mul(stride, index(i)))
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
