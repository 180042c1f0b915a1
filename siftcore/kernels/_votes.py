"""Adding one sample to the descriptor's histogram, in vector registers.

Loops over eight bins are too short for the compiler to vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from siftcore.kernels._vectors import data_of, everywhere, index, instruction, load, store

__all__ = ["BIN_SHARES", "N_BINS", "SLOT", "add_votes"]

N_BINS = 8
# Floats of a slot: the four cells around a sample, (row, column), (row, column + 1), (row + 1,
# column) and (row + 1, column + 1). Every square of four cells has a slot of its own, so that what
# one sample writes is read by the next from the same addresses or not at all; else it would have to
# wait until it is in the cache.
SLOT = 4 * N_BINS

_FLAGS = ("contract", "nsz", "nnan")


def _bin_shares() -> NDArray[np.float32]:
    whole = np.eye(N_BINS, dtype=np.float32)
    return np.concatenate([whole, np.roll(whole, 1, axis=1) - whole], axis=1).reshape(-1)


# Shares of the bins around the circle are linear in the part of a bin, for each whole bin: those at
# the bin itself, then how they change up to the next one.
BIN_SHARES = _bin_shares()


@instruction
def add_votes(  # type: ignore[no-untyped-def]
    typing_context, histogram, slot, shares, nearest, part, upper_left, upper_right, lower_left,
    lower_right,
):  # fmt: skip
    """Add a sample to the four cells around it.

    Parameters
    ----------
    histogram : ndarray, (slots * SLOT,) float32
        Changed.
    slot : uint64
        Where its slot begins.
    shares : ndarray, (N_BINS * 2 * N_BINS,) float32
        `BIN_SHARES`.
    nearest : uint64
        The bin at or below its orientation, times ``2 * N_BINS``.
    part : float32
        How much further its orientation is, in bins, [0, 1].
    upper_left, upper_right, lower_left, lower_right : float32
        Vote for each of the cells.
    """
    votes = (upper_left, upper_right, lower_left, lower_right)
    signature = types.void(histogram, slot, shares, nearest, part, *votes)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, slot, _, nearest, part, *votes = arguments
        bins, table = data_of(context, builder, signature, arguments, 0, 2)
        at_bin = load(builder, table, nearest, N_BINS)
        change = load(builder, table, builder.add(nearest, index(N_BINS)), N_BINS)
        turned = builder.fmul(everywhere(builder, part, N_BINS), change, flags=_FLAGS)
        weights = builder.fadd(at_bin, turned, flags=_FLAGS)
        for cell, vote in enumerate(votes):
            place = builder.add(slot, index(cell * N_BINS))
            share = builder.fmul(everywhere(builder, vote, N_BINS), weights, flags=_FLAGS)
            present = load(builder, bins, place, N_BINS)
            store(builder, builder.fadd(present, share, flags=_FLAGS), bins, place)
        return context.get_dummy_value()

    return signature, generate
