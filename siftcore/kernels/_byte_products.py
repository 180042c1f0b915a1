"""Products of bytes without a sign and bytes with one, four a word, summed up in 32 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._blocks import CODES
from siftcore.kernels._vectors import data_of, index, instruction, load, reduced

__all__ = ["byte_product", "bytes_added"]


def _whole(bits: int, lanes: int) -> ir.VectorType:
    return ir.VectorType(ir.IntType(bits), lanes)


def _called(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, kind, name
    )
    return builder.call(function, arguments)


def _through_shorts(builder: Any, words: Sequence[tuple[Any, Any]]) -> Any:
    """Sums of four products a word, through sums of two in 16 bits."""
    to_shorts, to_words = CODES.instructions
    lanes = CODES.lanes
    bytes_, shorts = _whole(8, 4 * lanes), _whole(16, 2 * lanes)
    total = None
    for unsigned, signed in words:
        both = (builder.bitcast(word, bytes_) for word in (unsigned, signed))
        pairs = _called(builder, to_shorts, shorts, *both)
        total = pairs if total is None else builder.add(total, pairs)
    ones = ir.Constant(shorts, [1] * shorts.count)
    return _called(builder, to_words, _whole(32, lanes), total, ones)


def _in_steps(builder: Any, unsigned: Any, signed: Any) -> Any:
    """Sums of four products a word, one product after the other."""
    words = unsigned.type
    total = ir.Constant(words, [0] * words.count)
    for k in range(4):
        up, down = (ir.Constant(words, [bits] * words.count) for bits in (24 - 8 * k, 24))
        left = builder.ashr(builder.shl(signed, up), down)
        right = builder.lshr(builder.shl(unsigned, up), down)
        total = builder.add(total, builder.mul(right, left))
    return total


def bytes_added(builder: Any, total: Any, words: Sequence[tuple[Any, Any]]) -> Any:
    """The total and the products of bytes, four of each pair of words, in every lane.

    `words` are pairs of vectors, without and with a sign, no more than the steps of `CODES`.
    """
    if len(CODES.instructions) > 1:
        return builder.add(total, _through_shorts(builder, words))
    for unsigned, signed in words:
        if CODES.instructions:
            total = _called(builder, CODES.instructions[0], total.type, total, unsigned, signed)
        else:
            total = builder.add(total, _in_steps(builder, unsigned, signed))
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
        Of the rows, a multiple of the lanes of `CODES`.

    Returns
    -------
    int32
    """
    signature = types.int32(unsigned, at_unsigned, signed, at_signed, length)
    lanes = CODES.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, at_unsigned, _, at_signed, length = arguments
        right, left = data_of(context, builder, signature, arguments, 0, 2)
        zero = ir.Constant(_whole(32, lanes), [0] * lanes)
        total = cgutils.alloca_once_value(builder, zero)  # type: ignore[no-untyped-call]
        builder.store(zero, total)
        with cgutils.for_range_slice(builder, index(0), length, index(lanes)) as (k, _):
            one = load(builder, right, builder.add(at_unsigned, k), lanes)
            other = load(builder, left, builder.add(at_signed, k), lanes)
            builder.store(bytes_added(builder, builder.load(total), [(one, other)]), total)
        return reduced(builder, "add", builder.load(total))

    return signature, generate
