"""Adding one sample to the descriptor's histogram, in vector registers.

Loops over eight bins are too short for the compiler to vectorise.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from siftcore.kernels._vectors import (
    constant,
    data_of,
    everywhere,
    index,
    instruction,
    load,
    store,
    vector,
)

__all__ = ["N_BINS", "SLOT", "add_votes"]

N_BINS = 8
# Floats of a slot: the four cells around a sample, (row, column), (row, column + 1), (row + 1,
# column) and (row + 1, column + 1). Every square of four cells has a slot of its own, so that what
# one sample writes is read by the next from the same addresses or not at all; else it would have to
# wait until it is in the cache.
SLOT = 4 * N_BINS

_FLAGS = ("contract", "nsz", "nnan")
_PAIR = 2 * N_BINS


def _least(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b, flags=_FLAGS), a, b)


def _pair_weights(builder: Any, orientation: Any, column: Any) -> Any:
    """Share of each bin of two cells side by side, linear around the circle and in columns."""
    bins = constant([float(b) for b in range(N_BINS)] * 2)
    offset = builder.fsub(everywhere(builder, orientation, _PAIR), bins, flags=_FLAGS)
    pair = vector(_PAIR)
    absolute = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, ir.FunctionType(pair, [pair]), f"llvm.fabs.v{_PAIR}f32"
    )
    away = builder.call(absolute, [offset])
    around = builder.fsub(constant([float(N_BINS)] * _PAIR), away, flags=_FLAGS)
    one = constant([1.0] * _PAIR)
    away = _least(builder, _least(builder, away, around), one)
    in_bins = builder.fsub(one, away, flags=_FLAGS)
    sign = constant([-1.0] * N_BINS + [1.0] * N_BINS)
    begin = constant([1.0] * N_BINS + [0.0] * N_BINS)
    turned = builder.fmul(everywhere(builder, column, _PAIR), sign, flags=_FLAGS)
    in_columns = builder.fadd(begin, turned, flags=_FLAGS)
    return builder.fmul(in_bins, in_columns, flags=_FLAGS)


@instruction
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
        _, slot, orientation, column, upper, lower = arguments
        (bins,) = data_of(context, builder, signature, arguments, 0)
        weights = _pair_weights(builder, orientation, column)
        for vote, shift in ((upper, 0), (lower, _PAIR)):
            place = builder.add(slot, index(shift))
            share = builder.fmul(everywhere(builder, vote, _PAIR), weights, flags=_FLAGS)
            present = load(builder, bins, place, _PAIR)
            store(builder, builder.fadd(present, share, flags=_FLAGS), bins, place)
        return context.get_dummy_value()

    return signature, generate
