"""Looking for the largest of many values, a vector at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._vectors import (
    compared,
    data_of,
    everywhere,
    instruction,
    is_whole,
    larger,
    load,
    reduced,
)

__all__ = ["lanes_from", "largest_of", "lowest_bit"]

_INT32 = ir.IntType(32)


def lanes_from(lanes: int) -> Any:
    """An instruction for vectors of so many lanes."""

    @instruction
    def those(typing_context, values, at, least):  # type: ignore[no-untyped-def]
        """Which of `lanes` values from a place on are not below the least: a bit each.

        Parameters
        ----------
        values : ndarray, (n,) int32 or float32
        at : int64
        least : int32 or float32

        Returns
        -------
        int32
        """
        signature = types.int32(values, at, values.dtype)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (data,) = data_of(context, builder, signature, arguments, 0)
            these = load(builder, data, arguments[1], lanes)
            least = everywhere(builder, arguments[2], lanes)
            bits = builder.bitcast(compared(builder, ">=", these, least), ir.IntType(lanes))
            return builder.zext(bits, _INT32)

        return signature, generate

    return those


def largest_of(lanes: int) -> Any:
    """An instruction for vectors of so many lanes."""

    @instruction
    def largest(typing_context, values, at, stride, n):  # type: ignore[no-untyped-def]
        """The largest of `n` times `lanes` values.

        Parameters
        ----------
        values : ndarray, (...,) int32 or float32
        at : int64
            Place of the first of them.
        stride : int64
            From one place to the next.
        n : int64
            Not 0.

        Returns
        -------
        int32 or float32
        """
        signature = values.dtype(values, at, stride, n)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, at, stride, n = arguments
            (data,) = data_of(context, builder, signature, arguments, 0)
            first = load(builder, data, at, lanes)
            best = cgutils.alloca_once(builder, first.type)  # type: ignore[no-untyped-call]
            builder.store(first, best)
            with cgutils.for_range(builder, n) as loop:
                place = builder.add(at, builder.mul(loop.index, stride))
                value = load(builder, data, place, lanes)
                builder.store(larger(builder, builder.load(best), value), best)
            operation = "smax" if is_whole(first) else "fmax"
            return reduced(builder, operation, builder.load(best))

        return signature, generate

    return largest


@instruction
def lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]
    """Place of the lowest one of an int32 that is not 0."""
    signature = types.int64(bits)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(place, ir.IntType(64))

    return signature, generate
