"""Discrete extrema of the difference of Gaussians over 3 x 3 x 3 neighbourhoods.

Source: Lowe 2004, section 3.1; Otero & Delbracio 2014, section 3.1. DoG levels are differences of
neighbouring Gaussians, taken row by row and never stored whole.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["find_extrema"]

CHUNK = 32


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _is_strict(gaussians, weights, level, y, x):  # type: ignore[no-untyped-def]
    """Whether a DoG sample is above, or below, all its 26 neighbours."""
    d = weights[level] * (gaussians[level + 1, y, x] - gaussians[level, y, x])
    for near in range(level - 1, level + 2):
        for row in range(y - 1, y + 2):
            for column in range(x - 1, x + 2):
                fine, coarse = gaussians[near, row, column], gaussians[near + 1, row, column]
                other = weights[near] * (coarse - fine)
                same = near == level and row == y and column == x
                if not same and ((d > 0.0 and other >= d) or (d <= 0.0 and other <= d)):
                    return False
    return True


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

    The count may exceed the room in `out`; what did not fit is left out.
    """
    n_dogs = gaussians.shape[0] - 1
    width = gaussians.shape[2]
    inner = width - 2
    # Rings of three rows a DoG level, row y in slot y % 3: the differences, and their largest and
    # smallest over three columns. First only the level itself is looked at, in vector registers
    # and without a branch: an extremum equals the largest (smallest) of its 3 x 3 neighbourhood.
    # The few that do are compared strictly with all 26 neighbours.
    dogs = np.empty((n_dogs, 3, width), np.float32)
    highs = np.empty((n_dogs, 3, width), np.float32)
    lows = np.empty((n_dogs, 3, width), np.float32)
    flags = np.zeros((inner + 7) // 8 * 8, np.uint8)
    eights = flags.view(np.uint64)
    count = 0
    for y in range(y_start - 1, y_stop + 1):
        slot = y % 3
        for level in range(1, n_dogs - 1):
            fine = gaussians[level, y]
            coarse = gaussians[level + 1, y]
            weight = weights[level]
            dog = dogs[level, slot]
            high = highs[level, slot]
            low = lows[level, slot]
            for x in range(width):
                dog[x] = weight * (coarse[x] - fine[x])
            here = dog[1 : width - 1]
            left = dog[0 : width - 2]
            right = dog[2:width]
            for x in range(inner):
                a = left[x] if left[x] > right[x] else right[x]
                b = left[x] if left[x] < right[x] else right[x]
                high[x] = a if a > here[x] else here[x]
                low[x] = b if b < here[x] else here[x]
        if y < y_start + 1:
            continue
        middle = (y - 1) % 3
        for level in range(1, n_dogs - 1):
            threshold = thresholds[level]
            here = dogs[level, middle, 1 : width - 1]
            high0, high1, high2 = highs[level, 0], highs[level, 1], highs[level, 2]
            low0, low1, low2 = lows[level, 0], lows[level, 1], lows[level, 2]
            for x in range(inner):
                d = here[x]
                is_high = (d > threshold) & (d >= high0[x]) & (d >= high1[x]) & (d >= high2[x])
                is_low = (d < -threshold) & (d <= low0[x]) & (d <= low1[x]) & (d <= low2[x])
                flags[x] = np.uint8(is_high | is_low)
            for eight in range(eights.shape[0]):
                if eights[eight] == 0:
                    continue
                for x in range(8 * eight, 8 * eight + 8):
                    if flags[x] == 0 or not _is_strict(gaussians, weights, level, y - 1, x + 1):
                        continue
                    if count < out.shape[0]:
                        out[count, 0] = level
                        out[count, 1] = y - 1
                        out[count, 2] = x + 1
                    count += 1
    return count


def find_extrema(
    gaussians: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
    rows: tuple[int, int] | None = None,
) -> NDArray[np.int32]:
    """Samples strictly above or below all 26 neighbours in the DoG stack.

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
