"""Discrete extrema of the difference of Gaussians over 3 x 3 x 3 neighbourhoods.

Source: Lowe 2004, section 3.1; Otero & Delbracio 2014, section 3.2, algorithms 4 and 5. DoG levels
are differences of neighbouring Gaussians, taken row by row and never stored whole. Only maxima
above 0 and minima below it count, as in OpenCV.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._peaks import LANES, further_out, lowest_bit, outermost, subtract
from siftcore.kernels._threads import for_ranges
from siftcore.kernels._vectors import fetch

__all__ = ["find_extrema"]

CHUNK = 32


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _dog(gaussians, weights, level, y, x):  # type: ignore[no-untyped-def]
    return weights[level] * (gaussians[level + 1, y, x] - gaussians[level, y, x])


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _is_strict(gaussians, weights, level, y, x):  # type: ignore[no-untyped-def]
    """Whether a DoG sample is further from 0 than all its 26 neighbours."""
    sign = np.float32(1.0) if _dog(gaussians, weights, level, y, x) > 0.0 else np.float32(-1.0)
    d = sign * _dog(gaussians, weights, level, y, x)
    for near in range(level - 1, level + 2):
        for row in range(y - 1, y + 2):
            for column in range(x - 1, x + 2):
                same = near == level and row == y and column == x
                if not same and sign * _dog(gaussians, weights, near, row, column) >= d:
                    return False
    return True


@njit(nogil=True, error_model="numpy")
def _bits_between(first, last):  # type: ignore[no-untyped-def]
    """Bits from `first` up to `last`, of `LANES`."""
    beyond_last = np.uint64(1) << np.uint64(min(last, LANES))
    return beyond_last - (np.uint64(1) << np.uint64(first))


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _keep(gaussians, weights, candidates, n, count, out):  # type: ignore[no-untyped-def]
    """Write those down that are strict extrema and find room; how many there are now."""
    for i in range(n):
        level, y, x = candidates[i]
        if not _is_strict(gaussians, weights, level, y, x):
            continue
        if count < out.shape[0]:
            out[count] = candidates[i]
        count += 1
    return count


@kernel(
    array(float32, 3),
    array(float32, 1),
    array(float32, 1),
    int64,
    int64,
    scratch(int32, 2),
    returns=int64,
)
def _find(gaussians, weights, thresholds, y_start, y_stop, out):  # type: ignore[no-untyped-def]
    """Extrema with y in [y_start, y_stop), into `out` as (level, y, x); the count that there are.

    The count may exceed the room in `out`; what did not fit is left out. First only the level
    itself is looked at: an extremum is at least as far out as its 3 x 3 neighbourhood. Then the
    levels above and below, where they are at hand. The few that are left are compared with all 26
    neighbours, a row later, when the samples of the outermost Gaussians have come.
    """
    n_levels, height, width = gaussians.shape
    last_dog = n_levels - 2
    samples = gaussians.reshape(-1)
    n_vectors = (width + LANES - 1) // LANES if width >= LANES else 0
    # Rings of three rows a DoG level, row y in slot y % 3, with room for one sample on either side:
    # the differences, and which of them are beyond the threshold.
    stride = width + 2 * LANES
    dogs = np.zeros(3 * n_levels * stride, np.float32)
    beyond = np.zeros((n_levels, 3, n_vectors), np.uint64)
    # Candidates of this row and of the one before.
    candidates = np.empty((2, n_levels * width, 3), np.int32)
    waiting = 0
    count = 0
    for y in range(y_start - 1, y_stop + 1):
        row = y - 1
        found_here = candidates[y % 2]
        n = 0
        for level in range(1, last_dog):
            fine = (level * height + y) * width
            coarse = fine + height * width
            threshold = thresholds[level]
            above = (3 * level + (row - 1) % 3) * stride + LANES
            here = (3 * level + row % 3) * stride + LANES
            below = (3 * level + y % 3) * stride + LANES
            bits = beyond[level, y % 3]
            for i in range(n_vectors):
                # The last vector ends with the row.
                x = min(i * LANES, width - LANES)
                # Of the next row; left to itself, the processor starts too late.
                fetch(samples, coarse + width + x)
                if level == 1:
                    fetch(samples, fine + width + x)
                bits[i] = subtract(
                    samples, coarse + x, fine + x, weights[level], threshold, dogs, below + x
                )
            if row < y_start:
                continue
            bits = beyond[level, row % 3]
            for i in range(n_vectors):
                if bits[i] == 0:
                    continue
                x = min(i * LANES, width - LANES)
                found = outermost(dogs, above + x, here + x, below + x, threshold)
                # Neither the border nor what the vector before had.
                found &= _bits_between(max(1, i * LANES) - x, width - 1 - x)
                if found != 0 and level > 1:
                    found &= further_out(dogs, here + x, here + x - 3 * stride)
                if found != 0 and level + 1 < last_dog:
                    found &= further_out(dogs, here + x, here + x + 3 * stride)
                while found != 0:
                    at = x + lowest_bit(found)
                    found &= found - np.uint64(1)
                    found_here[n] = level, row, at
                    n += 1
                    for near in range(row - 1, row + 2):
                        if level == 1:
                            fetch(samples, near * width + at)
                        if level == last_dog - 1:
                            fetch(samples, ((n_levels - 1) * height + near) * width + at)
            if n_vectors == 0:
                for x in range(1, width - 1):
                    if abs(_dog(gaussians, weights, level, row, x)) > threshold:
                        found_here[n] = level, row, x
                        n += 1
        count = _keep(gaussians, weights, candidates[1 - y % 2], waiting, count, out)
        waiting = n
    return _keep(gaussians, weights, candidates[y_stop % 2], waiting, count, out)


def find_extrema(
    gaussians: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
    rows: tuple[int, int] | None = None,
) -> NDArray[np.int32]:
    """Samples further from 0 than all 26 neighbours in the DoG stack, on their side of it.

    Parameters
    ----------
    gaussians : ndarray, (levels, H, W) float32, C-contiguous
    thresholds : ndarray, (levels - 1,) float32
        A DoG sample counts only when its absolute value is above its level's threshold.
    weights : ndarray, (levels - 1,) float32, optional
        Factors of the DoG levels, applied before anything else; 1 by default.
    rows : (int, int), optional
        Only extrema in this range of rows.

    Returns
    -------
    ndarray, (N, 3) int32
        DoG level, row, column; ordered by row, level, column. One sample away from every border
        of the stack.
    """
    _, height, width = gaussians.shape
    factors = np.ones_like(thresholds) if weights is None else weights
    # Rows 0 and height - 1 have no neighbour on one side.
    first, last = (1, height - 1) if rows is None else (max(1, rows[0]), min(height - 1, rows[1]))
    if last <= first or width < 3:
        return np.empty((0, 3), np.int32)

    def scan(start: int, stop: int) -> NDArray[np.int32]:
        y_start, y_stop = first + start, first + stop
        room = 64 + (y_stop - y_start) * width // 64
        while True:
            out = np.empty((room, 3), np.int32)
            count = _find(gaussians, factors, thresholds, y_start, y_stop, out)
            if count <= room:
                return out[:count]
            room = count

    return np.concatenate(for_ranges(scan, last - first, CHUNK, gaussians.size))
