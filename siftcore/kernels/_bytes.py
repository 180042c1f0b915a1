"""Descriptors rounded to bytes, with how far the rounding moved them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, int32, int64, uint8
from numpy.typing import NDArray

from siftcore.kernels._byte_products import COLUMNS, LANES
from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["FAR", "GROUP", "Scale", "Signed", "Unsigned", "signed", "unsigned"]

# Columns whose nearness is summed up in one vector, so that a lane stands for eight.
GROUP = 4 * COLUMNS
# Taken off the nearness of rows and columns that only fill up a block.
FAR = 2**29
_ROWS = 512


class Scale(NamedTuple):
    """A byte q stands for ``low + step * q``."""

    low: float
    step: float

    @classmethod
    def of(cls, *sets: NDArray[np.float32]) -> Scale:
        """The finest one that reaches from the least to the largest value of all sets."""
        low = min(float(rows.min()) for rows in sets)
        high = max(float(rows.max()) for rows in sets)
        return cls(low, (high - low) / 255.0 or 1.0)


class Signed(NamedTuple):
    """Rows of bytes less 128, four a word.

    Attributes
    ----------
    words : ndarray, (n, length) int32
        Rows past the last descriptor fill up a block.
    less : ndarray, (n,) int32
        Half the squared norm of the bytes, rounded down.
    error : float
        Largest distance of a row from what its bytes stand for.
    """

    words: NDArray[np.int32]
    less: NDArray[np.int32]
    error: float


class Unsigned(NamedTuple):
    """Rows of bytes, four a word.

    Attributes
    ----------
    words : ndarray, (n, length) int32
    panels : ndarray, (n * length,) int32
        The same: the first words of `COLUMNS` rows, then their second ones, and so on.
    start : ndarray, (n,) int32
        Added to a product with a `Signed` row, it gives the product of the bytes, less half the
        squared norm of these, rounded down.
    error : float
        As of `Signed`.
    """

    words: NDArray[np.int32]
    panels: NDArray[np.int32]
    start: NDArray[np.int32]
    error: float


@kernel(
    array(float32, 2), float64, float64, uint8, int64, int64, scratch(uint8, 2), scratch(int32, 1),
    scratch(int32, 1), scratch(float64, 1),
)  # fmt: skip
def _round(rows, low, step, flip, start, stop, bytes_, half, total, error):  # type: ignore[no-untyped-def]
    per_step = 1.0 / step
    for row in range(start, stop):
        squares, entries, moved = int32(0), int32(0), 0.0
        for k in range(rows.shape[1]):
            value = float64(rows[row, k]) - low
            q = int32(min(max(value * per_step + 0.5, 0.0), 255.0))
            squares += q * q
            entries += q
            off = value - step * q
            moved += off * off
            bytes_[row, k] = uint8(q) ^ flip
        half[row] = squares >> 1
        total[row] = entries
        error[row] = np.sqrt(moved)


@kernel(array(int32, 2), int64, int64, scratch(int32, 1))
def _pack(words, start, stop, panels):  # type: ignore[no-untyped-def]
    length = words.shape[1]
    for panel in range(start, stop):
        at = panel * COLUMNS * length
        for column in range(COLUMNS):
            one = words[panel * COLUMNS + column]
            for k in range(length):
                panels[at + k * COLUMNS + column] = one[k]


class _Rounded(NamedTuple):
    words: NDArray[np.int32]
    half: NDArray[np.int32]
    total: NDArray[np.int32]
    error: float


def _rounded(rows: NDArray[np.float32], scale: Scale, multiple: int, flip: int) -> _Rounded:
    n, length = rows.shape
    filled = -(-n // multiple) * multiple
    bytes_ = np.zeros((filled, -(-length // (4 * LANES)) * 4 * LANES), np.uint8)
    half = np.full(filled, FAR, np.int32)
    total = np.zeros(filled, np.int32)
    error = np.empty(n, np.float64)

    def task(start: int, stop: int) -> None:
        _round(rows, *scale, np.uint8(flip), start, stop, bytes_, half, total, error)

    for_ranges(task, n, _ROWS, rows.size)
    return _Rounded(bytes_.view(np.int32), half, total, float(error.max()))


def signed(rows: NDArray[np.float32], scale: Scale, multiple: int) -> Signed:
    """Rows (N, D) rounded, filled up to a multiple of so many."""
    found = _rounded(rows, scale, multiple, 128)
    return Signed(found.words, found.half, found.error)


def unsigned(rows: NDArray[np.float32], scale: Scale) -> Unsigned:
    """Rows (M, D) rounded, filled up to whole groups."""
    words, half, total, error = _rounded(rows, scale, GROUP, 0)
    panels = np.empty(words.size, np.int32)

    def task(start: int, stop: int) -> None:
        _pack(words, start, stop, panels)

    for_ranges(task, len(words) // COLUMNS, _ROWS // COLUMNS, words.size)
    return Unsigned(words, panels, 128 * total - half, error)
