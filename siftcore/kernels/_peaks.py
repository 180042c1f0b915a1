"""Differences of Gaussians and the first test for extrema, in vector registers.

Both give one bit a sample, so that what holds for none of a vector's samples is passed by at once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from siftcore.kernels._vectors import constant, data_of, everywhere, index, instruction, load, store

__all__ = ["LANES", "further_out", "lowest_bit", "outermost", "subtract"]

LANES = 16


def _bits(builder: Any, truths: Any) -> Any:
    packed = builder.bitcast(truths, ir.IntType(LANES))
    return builder.zext(packed, ir.IntType(64))


def _above_or_below(builder: Any, value: Any, threshold: Any) -> tuple[Any, Any]:
    high = everywhere(builder, threshold, LANES)
    low = everywhere(builder, builder.fneg(threshold), LANES)
    return builder.fcmp_ordered(">", value, high), builder.fcmp_ordered("<", value, low)


@instruction
def subtract(typing_context, samples, coarse, fine, weight, threshold, dogs, to):  # type: ignore[no-untyped-def]
    """Weighted differences of `LANES` samples; which of them are beyond the threshold.

    Parameters
    ----------
    samples : ndarray, (n,) float32
    coarse, fine : int64
        Places of the first sample of either level.
    weight, threshold : float32
    dogs : ndarray, (m,) float32
        Written.
    to : int64
        Place of the first difference.

    Returns
    -------
    uint64
        Bit i for sample i.
    """
    signature = types.uint64(samples, coarse, fine, weight, threshold, dogs, to)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, coarse, fine, weight, threshold, _, to = arguments
        source, target = data_of(context, builder, signature, arguments, 0, 5)
        levels = (load(builder, source, place, LANES) for place in (coarse, fine))
        dog = builder.fmul(everywhere(builder, weight, LANES), builder.fsub(*levels))
        store(builder, dog, target, to)
        return _bits(builder, builder.or_(*_above_or_below(builder, dog, threshold)))

    return signature, generate


@instruction
def outermost(typing_context, dogs, above, here, below, threshold):  # type: ignore[no-untyped-def]
    """Which of `LANES` samples are beyond the threshold and no nearer to 0 than their 8 neighbours.

    Parameters
    ----------
    dogs : ndarray, (m,) float32
    above, here, below : int64
        Places of the first sample, and of those over and under it.
    threshold : float32

    Returns
    -------
    uint64
        Bit i for sample i.
    """
    signature = types.uint64(dogs, above, here, below, threshold)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, above, here, below, threshold = arguments
        (source,) = data_of(context, builder, signature, arguments, 0)
        centre = load(builder, source, here, LANES)
        around = [
            load(builder, source, builder.add(row, index(step)), LANES)
            for row in (above, here, below)
            for step in (-1, 0, 1)
            if not (row is here and step == 0)
        ]
        high, low = _above_or_below(builder, centre, threshold)
        most = least = around[0]
        for other in around[1:]:
            most = builder.select(builder.fcmp_ordered(">", most, other), most, other)
            least = builder.select(builder.fcmp_ordered("<", least, other), least, other)
        high = builder.and_(high, builder.fcmp_ordered(">=", centre, most))
        low = builder.and_(low, builder.fcmp_ordered("<=", centre, least))
        return _bits(builder, builder.or_(high, low))

    return signature, generate


@instruction
def further_out(typing_context, dogs, here, other):  # type: ignore[no-untyped-def]
    """Which of `LANES` samples are further from 0 than those at another place, on their side of it.

    Parameters
    ----------
    dogs : ndarray, (m,) float32
    here, other : int64
        Places of the first sample, and of the one that it is compared with.

    Returns
    -------
    uint64
        Bit i for sample i.
    """
    signature = types.uint64(dogs, here, other)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, here, other = arguments
        (source,) = data_of(context, builder, signature, arguments, 0)
        centre, near = (load(builder, source, place, LANES) for place in (here, other))
        above = builder.fcmp_ordered(">", centre, near)
        below = builder.fcmp_ordered("<", centre, near)
        positive = builder.fcmp_ordered(">", centre, constant([0.0] * LANES))
        return _bits(builder, builder.select(positive, above, below))

    return signature, generate


@instruction
def lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]
    """Place of the lowest bit that is set, of a uint64 that is not 0."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate
