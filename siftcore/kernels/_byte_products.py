"""A block of distances between descriptors of bytes, and the nearest of groups of rows and columns.

One instruction of VNNI multiplies four times as many bytes as one of AVX-512 multiplies floats.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._vectors import (
    data_of,
    everywhere,
    has_feature,
    index,
    instruction,
    load,
    store,
)

__all__ = ["COLUMNS", "LANES", "ROWS", "byte_product", "has_byte_products", "nearness_block"]

# Sums of a block fill three quarters of the 32 registers.
LANES, _VECTORS, ROWS = 16, 2, 12
COLUMNS = LANES * _VECTORS
_INT32 = ir.IntType(32)
_WORDS = ir.VectorType(_INT32, LANES)


def has_byte_products() -> bool:
    """Whether the processor that Numba compiles for multiplies bytes faster than floats."""
    return has_feature("avx512vnni")


def _added_products(builder: Any, total: Any, unsigned: Any, signed: Any) -> Any:
    """The total, with four products of bytes added in every lane."""
    if has_byte_products():
        kind = ir.FunctionType(_WORDS, [_WORDS] * 3)
        vnni = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, "llvm.x86.avx512.vpdpbusd.512"
        )
        return builder.call(vnni, [total, unsigned, signed])
    # Elsewhere the same in steps, so that it can be tested; nothing there chooses it.
    for k in range(4):
        left, up = (ir.Constant(_WORDS, [bits] * LANES) for bits in (24 - 8 * k, 24))
        one = builder.lshr(builder.shl(unsigned, left), up)
        other = builder.ashr(builder.shl(signed, left), up)
        total = builder.add(total, builder.mul(one, other))
    return total


def _larger(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.icmp_signed(">", one, other), one, other)


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
        Of the rows, a multiple of `LANES`.

    Returns
    -------
    int32
    """
    signature = types.int32(unsigned, at_unsigned, signed, at_signed, length)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at_unsigned, _, at_signed, length = arguments
        left, right = data_of(context, builder, signature, arguments, 0, 2)
        zero = ir.Constant(_WORDS, [0] * LANES)
        total = cgutils.alloca_once_value(builder, zero)  # type: ignore[no-untyped-call]
        builder.store(zero, total)
        with cgutils.for_range_slice(builder, index(0), length, index(LANES)) as (k, _):  # type: ignore[no-untyped-call]
            one = load(builder, left, builder.add(at_unsigned, k), LANES)
            other = load(builder, right, builder.add(at_signed, k), LANES)
            builder.store(_added_products(builder, builder.load(total), one, other), total)
        kind = ir.FunctionType(_INT32, [_WORDS])
        add = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, f"llvm.vector.reduce.add.v{LANES}i32"
        )
        return builder.call(add, [builder.load(total)])

    return signature, generate


@instruction
def nearness_block(  # type: ignore[no-untyped-def]
    typing_context, rows, at, less, first, length, panels, at_panel, start, at_start,
    of_rows, at_rows, of_columns, at_columns,
):  # fmt: skip
    """Nearness of `ROWS` rows to the columns of a panel, its largest kept for groups of them.

    Parameters
    ----------
    rows : ndarray, (n,) int32
        Rows of `length` words, four bytes with a sign each.
    at : int64
        Place of the first row.
    less : ndarray, (n,) int32
        Taken off all the products of a row.
    first : int64
        Place in `less` of the first row's.
    length : int64
        Words of a row.
    panels : ndarray, (n,) int32
        The first words of `COLUMNS` columns, then their second ones, and so on; four bytes without
        a sign each.
    at_panel : int64
        Place of the panel.
    start : ndarray, (n,) int32
        What the products of a column are added to.
    at_start : int64
        Place in `start` of the first column's.
    of_rows : ndarray, (n,) int32
        A row's largest in each lane, `LANES` a row; raised where this block has a larger one.
    at_rows : int64
        Place of the first row's.
    of_columns : ndarray, (n,) int32
        A column's largest in this block. Written.
    at_columns : int64
        Place of the first column's.
    """
    signature = types.void(
        rows, at, less, first, length, panels, at_panel, start, at_start, of_rows, at_rows,
        of_columns, at_columns,
    )  # fmt: skip

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, _, first, length, _, at_panel, _, at_start, _, at_rows, _, at_columns = arguments
        left, off, right, base, best, out = data_of(
            context, builder, signature, arguments, 0, 2, 5, 7, 9, 11
        )
        starts = [
            load(builder, base, builder.add(at_start, index(j * LANES)), LANES)
            for j in range(_VECTORS)
        ]
        # LLVM keeps these in registers.
        places = []
        for i in range(ROWS):
            value = builder.load(builder.gep(off, [builder.add(first, index(i))]))
            here = everywhere(builder, value, LANES)
            for j in range(_VECTORS):
                place = cgutils.alloca_once(builder, _WORDS)  # type: ignore[no-untyped-call]
                builder.store(builder.sub(starts[j], here), place)
                places.append(place)
        with cgutils.for_range(builder, length) as loop:
            column = builder.add(at_panel, builder.mul(loop.index, index(COLUMNS)))
            rights = [
                load(builder, right, builder.add(column, index(j * LANES)), LANES)
                for j in range(_VECTORS)
            ]
            for i in range(ROWS):
                row = builder.add(at, builder.mul(index(i), length))
                value = builder.load(builder.gep(left, [builder.add(row, loop.index)]))
                signed = everywhere(builder, value, LANES)
                for j, unsigned in enumerate(rights):
                    place = places[i * _VECTORS + j]
                    total = _added_products(builder, builder.load(place), unsigned, signed)
                    builder.store(total, place)
        sums = [builder.load(place) for place in places]
        for i in range(ROWS):
            place = builder.add(at_rows, index(i * LANES))
            largest = load(builder, best, place, LANES)
            for j in range(_VECTORS):
                largest = _larger(builder, largest, sums[i * _VECTORS + j])
            store(builder, largest, best, place)
        for j in range(_VECTORS):
            largest = sums[j]
            for i in range(1, ROWS):
                largest = _larger(builder, largest, sums[i * _VECTORS + j])
            store(builder, largest, out, builder.add(at_columns, index(j * LANES)))
        return context.get_dummy_value()

    return signature, generate
