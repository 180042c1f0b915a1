"""Descriptors rounded to bytes, with how far the rounding moved them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, int32, int64, njit, uint8
from numpy.typing import NDArray

from siftcore.kernels._blocks import BYTES, CODES
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges
from siftcore.kernels._tiles import PANELS, packed

__all__ = ["FAR", "Scale", "Signed", "Unsigned", "signed", "unsigned"]

_GROUP = PANELS * BYTES.columns
# Taken off the nearness of rows and columns that only fill up a block.
FAR = 2**29
_ROWS = 512
# Bytes that one vector of words takes.
_LENGTH = 4 * BYTES.lanes
_LARGEST = float(CODES.largest)


class Scale(NamedTuple):
    """A byte q stands for ``low + step * q``."""

    low: float
    step: float

    @classmethod
    def of(cls, *sets: NDArray[np.float32]) -> Scale:
        """The finest one that reaches from the least to the largest value of all sets."""
        low = min(float(rows.min()) for rows in sets)
        high = max(float(rows.max()) for rows in sets)
        return cls(low, (high - low) / CODES.largest or 1.0)


class Signed(NamedTuple):
    """Rows of bytes less half of `CODES`, four a word.

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
        The same: the first words of a block's columns, then their second ones, and so on.
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


# A sum in one order waits for each addition; this one has another order, but always the same.
@njit(nogil=True, error_model="numpy", fastmath=FASTMATH | {"reassoc"})
def _round_row(values, low, step, off_code, out):  # type: ignore[no-untyped-def]
    """Sum and squared norm of a row's bytes, and how far rounding moved it."""
    per_step = 1.0 / step
    squares, total, moved = int32(0), int32(0), 0.0
    for k in range(values.shape[0]):
        value = float64(values[k]) - low
        q = int32(min(max(value * per_step + 0.5, 0.0), _LARGEST))
        squares += q * q
        total += q
        off = value - step * q
        moved += off * off
        out[k] = uint8(q) - off_code
    return total, squares, np.sqrt(moved)


@kernel(
    array(float32, 2), float64, float64, uint8, int64, int64, scratch(uint8, 2), scratch(int32, 1),
    scratch(int32, 1), scratch(float64, 1),
)  # fmt: skip
def _round(rows, low, step, off_code, start, stop, bytes_, half, total, error):  # type: ignore[no-untyped-def]
    for row in range(start, stop):
        total[row], squares, error[row] = _round_row(rows[row], low, step, off_code, bytes_[row])
        half[row] = squares >> 1


class _Rounded(NamedTuple):
    words: NDArray[np.int32]
    half: NDArray[np.int32]
    total: NDArray[np.int32]
    error: float


def _rounded(rows: NDArray[np.float32], scale: Scale, multiple: int, off_code: int) -> _Rounded:
    n, length = rows.shape
    filled = -(-n // multiple) * multiple
    bytes_ = np.zeros((filled, -(-length // _LENGTH) * _LENGTH), np.uint8)
    half = np.full(filled, FAR, np.int32)
    total = np.zeros(filled, np.int32)
    error = np.empty(n, np.float64)

    def task(start: int, stop: int) -> None:
        _round(rows, *scale, np.uint8(off_code), start, stop, bytes_, half, total, error)

    for_ranges(task, n, _ROWS, rows.size)
    return _Rounded(bytes_.view(np.int32), half, total, float(error.max()))


def signed(rows: NDArray[np.float32], scale: Scale) -> Signed:
    """Rows (N, D) rounded, filled up to whole blocks."""
    found = _rounded(rows, scale, BYTES.rows, CODES.half)
    return Signed(found.words, found.half, found.error)


def unsigned(rows: NDArray[np.float32], scale: Scale) -> Unsigned:
    """Rows (M, D) rounded, filled up to whole groups."""
    words, half, total, error = _rounded(rows, scale, _GROUP, 0)
    return Unsigned(words, packed(words, BYTES), CODES.half * total - half, error)
