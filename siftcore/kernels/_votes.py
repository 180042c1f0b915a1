"""Adding one sample to the descriptor's histogram, in vector registers.

Loops over eight bins are too short for the compiler to vectorise, so the instructions are asked for
by name. LLVM splits the vectors of 16 where a processor's are shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["N_BINS", "SLOT", "add_votes"]

N_BINS = 8
# Floats of a slot: the four cells around a sample, (row, column), (row, column + 1), (row + 1,
# column) and (row + 1, column + 1). Every square of four cells has a slot of its own, so that what
# one sample writes is read by the next from the same addresses or not at all; else it would have to
# wait until it is in the cache.
SLOT = 4 * N_BINS

_FLAGS = ("contract", "nsz", "nnan")
_PAIR = 2 * N_BINS
_VECTOR = ir.VectorType(ir.FloatType(), _PAIR)
_INDEX = ir.IntType(64)


def _constant(values: Sequence[float]) -> ir.Constant:
    return ir.Constant(_VECTOR, list(values))


def _everywhere(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), _PAIR), [0] * _PAIR)
    return builder.shuffle_vector(first, undefined, zeros)


def _least(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b, flags=_FLAGS), a, b)


def _pair_weights(builder: Any, orientation: Any, column: Any) -> Any:
    """Share of each bin of two cells side by side, linear around the circle and in columns."""
    bins = _constant([float(b) for b in range(N_BINS)] * 2)
    offset = builder.fsub(_everywhere(builder, orientation), bins, flags=_FLAGS)
    absolute = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.fabs.v{_PAIR}f32"
    )
    away = builder.call(absolute, [offset])
    around = builder.fsub(_constant([float(N_BINS)] * _PAIR), away, flags=_FLAGS)
    one = _constant([1.0] * _PAIR)
    away = _least(builder, _least(builder, away, around), one)
    in_bins = builder.fsub(one, away, flags=_FLAGS)
    sign = _constant([-1.0] * N_BINS + [1.0] * N_BINS)
    begin = _constant([1.0] * N_BINS + [0.0] * N_BINS)
    turned = builder.fmul(_everywhere(builder, column), sign, flags=_FLAGS)
    in_columns = builder.fadd(begin, turned, flags=_FLAGS)
    return builder.fmul(in_bins, in_columns, flags=_FLAGS)


@intrinsic
def add_votes(typing_context, histogram, slot, orientation, column, upper, lower):  # type: ignore[no-untyped-def]
    """Add a sample to the four cells around it.

    Parameters
    ----------
    histogram : ndarray, (slots * SLOT,) float32
        Changed.
    slot : uint64
        Where its slot begins.
    orientation : float32
        In bins, [0, N_BINS).
    column : float32
        Share of the cells on the right, [0, 1].
    upper, lower : float32
        Vote for the two cells of the upper row, and of the lower one.
    """
    signature = types.void(histogram, slot, orientation, column, upper, lower)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        histogram, slot, orientation, column, upper, lower = arguments
        array = context.make_array(signature.args[0])(context, builder, histogram)
        weights = _pair_weights(builder, orientation, column)
        for vote, shift in ((upper, 0), (lower, _PAIR)):
            at = builder.gep(array.data, [builder.add(slot, _INDEX(shift))])
            pair = builder.bitcast(at, _VECTOR.as_pointer())
            share = builder.fmul(_everywhere(builder, vote), weights, flags=_FLAGS)
            present = builder.load(pair, align=4)
            builder.store(builder.fadd(present, share, flags=_FLAGS), pair, align=4)
        return context.get_dummy_value()

    return signature, generate
