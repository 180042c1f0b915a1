"""A block of a matrix product in vector registers, and the largest entries of rows and columns.

A matrix product of a library writes all its entries to memory, where a second pass has to read them
again. Here they are looked at while they are in the first cache, without a branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._vectors import (
    FLAGS,
    data_of,
    everywhere,
    has_long_vectors,
    index,
    instruction,
    load,
    store,
    vector,
)

__all__ = ["COLUMNS", "LANES", "ROWS", "multiply_block", "update_columns", "update_rows"]

# The sums of a block fill three quarters of the registers, and its columns half of the first cache.
LANES, _VECTORS, ROWS = (16, 2, 12) if has_long_vectors() else (8, 2, 6)
COLUMNS = LANES * _VECTORS


def _accumulate(builder: Any, places: list[Any], a: Any, at: Any, length: Any, panel: Any) -> None:
    with cgutils.for_range(builder, length) as loop:
        column = builder.mul(loop.index, index(COLUMNS))
        rights = [
            load(builder, panel, builder.add(column, index(j * LANES)), LANES)
            for j in range(_VECTORS)
        ]
        for i in range(ROWS):
            row = builder.add(at, builder.mul(index(i), length))
            value = builder.load(builder.gep(a, [builder.add(row, loop.index)]))
            left = everywhere(builder, value, LANES)
            for j, right in enumerate(rights):
                place = places[i * _VECTORS + j]
                product = builder.fmul(left, right, flags=FLAGS)
                builder.store(builder.fadd(builder.load(place), product, flags=FLAGS), place)


@instruction
def multiply_block(typing_context, a, at, length, panel, products):  # type: ignore[no-untyped-def]
    """Products of `ROWS` rows with the columns of a panel.

    Parameters
    ----------
    a : ndarray, (n,) float32
        Rows of `length`, one after the other.
    at : int64
        Place of the first row.
    length : int64
    panel : ndarray, (length * COLUMNS,) float32
        The first entries of all columns, then the second ones, and so on.
    products : ndarray, (ROWS * COLUMNS,) float32
        Written.
    """
    signature = types.void(a, at, length, panel, products)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at, length, _, _ = arguments
        left, right, out = data_of(context, builder, signature, arguments, 0, 3, 4)
        # LLVM keeps these in registers.
        zero = ir.Constant(vector(LANES), [0.0] * LANES)
        places = [
            cgutils.alloca_once_value(builder, zero)  # type: ignore[no-untyped-call]
            for _ in range(ROWS * _VECTORS)
        ]
        for place in places:
            builder.store(zero, place)
        _accumulate(builder, places, left, at, length, right)
        for i, place in enumerate(places):
            store(builder, builder.load(place), out, index(i * LANES))
        return context.get_dummy_value()

    return signature, generate


class _Pair(NamedTuple):
    """The two largest so far in every lane, and whose they are."""

    best: Any
    runner: Any
    best_owner: Any
    runner_owner: Any

    def merged(self, builder: Any, value: Any, owner: Any) -> _Pair:
        """With one more; what is as large does not replace."""
        leads = builder.fcmp_ordered(">", value, self.best)
        follows = builder.fcmp_ordered(">", value, self.runner)
        next_owner = builder.select(follows, owner, self.runner_owner)
        return _Pair(
            builder.select(leads, value, self.best),
            builder.select(leads, self.best, builder.select(follows, value, self.runner)),
            builder.select(leads, owner, self.best_owner),
            builder.select(leads, self.best_owner, next_owner),
        )


def _load_pair(builder: Any, scores: Any, owners: Any, places: Sequence[Any]) -> _Pair:
    values = [load(builder, scores, place, LANES) for place in places]
    return _Pair(*values, *(load(builder, owners, place, LANES) for place in places))


def _store_pair(builder: Any, pair: _Pair, scores: Any, owners: Any, places: Sequence[Any]) -> None:
    for place, value in zip(places, pair[:2], strict=True):
        store(builder, value, scores, place)
    for place, owner in zip(places, pair[2:], strict=True):
        store(builder, owner, owners, place)


@instruction
def update_rows(typing_context, products, take_off, first_column, score, column, at):  # type: ignore[no-untyped-def]
    """Merge a block into the two best of its rows, for every `LANES`-th column on its own.

    Parameters
    ----------
    products : ndarray, (ROWS * COLUMNS,) float32
    take_off : ndarray, (COLUMNS,) float32
        Of each column; infinite for columns that do not count.
    first_column : int32
        Number of the first column.
    score : ndarray, (rows * 2 * LANES,) float32
        Largest product less the column's `take_off` in every lane, then the second-largest, a row.
        Changed.
    column : ndarray, (rows * 2 * LANES,) int32
        Their columns. Changed.
    at : int64
        Place of the first row's.
    """
    signature = types.void(products, take_off, first_column, score, column, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, first_column, _, _, at = arguments
        source, off, scores, columns = data_of(context, builder, signature, arguments, 0, 1, 3, 4)
        starts = [index(j * LANES) for j in range(_VECTORS)]
        less = [load(builder, off, start, LANES) for start in starts]
        number = everywhere(builder, first_column, LANES)
        lane_type = ir.VectorType(ir.IntType(32), LANES)
        owners = [
            builder.add(number, ir.Constant(lane_type, [j * LANES + i for i in range(LANES)]))
            for j in range(_VECTORS)
        ]
        for i in range(ROWS):
            places = [builder.add(at, index((2 * i + k) * LANES)) for k in range(2)]
            pair = _load_pair(builder, scores, columns, places)
            for j in range(_VECTORS):
                product = load(builder, source, index(i * COLUMNS + j * LANES), LANES)
                pair = pair.merged(builder, builder.fsub(product, less[j]), owners[j])
            _store_pair(builder, pair, scores, columns, places)
        return context.get_dummy_value()

    return signature, generate


@instruction
def update_columns(typing_context, products, take_off, at, first_row, score, row):  # type: ignore[no-untyped-def]
    """Merge a block into the two best of its columns; what is as large does not replace.

    Parameters
    ----------
    products : ndarray, (ROWS * COLUMNS,) float32
    take_off : ndarray, (n,) float32
        Of each row; infinite for rows that do not count.
    at : int64
        Place of the first row's.
    first_row : int32
        Its number.
    score : ndarray, (2 * COLUMNS,) float32
        Largest product less the row's `take_off`, a column; then the second-largest. Changed.
    row : ndarray, (2 * COLUMNS,) int32
        Their rows. Changed.
    """
    signature = types.void(products, take_off, at, first_row, score, row)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, at, first_row, _, _ = arguments
        source, off, scores, rows = data_of(context, builder, signature, arguments, 0, 1, 4, 5)
        halves = [builder.gep(off, [builder.add(at, index(i))]) for i in range(ROWS)]
        less = [everywhere(builder, builder.load(half), LANES) for half in halves]
        numbers = [builder.add(first_row, ir.Constant(ir.IntType(32), i)) for i in range(ROWS)]
        here = [everywhere(builder, number, LANES) for number in numbers]
        for j in range(_VECTORS):
            places = [index(k * COLUMNS + j * LANES) for k in range(2)]
            pair = _load_pair(builder, scores, rows, places)
            for i in range(ROWS):
                product = load(builder, source, index(i * COLUMNS + j * LANES), LANES)
                pair = pair.merged(builder, builder.fsub(product, less[i]), here[i])
            _store_pair(builder, pair, scores, rows, places)
        return context.get_dummy_value()

    return signature, generate
