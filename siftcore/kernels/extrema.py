"""Discrete extrema of the difference of Gaussians over 3 x 3 x 3 neighbourhoods.

Source: Lowe 2004, section 3.1; Otero & Delbracio 2014, section 3.1. DoG levels are differences of
neighbouring Gaussians, taken row by row and never stored whole.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["find_extrema"]

CHUNK = 32


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
    # Rings of three rows a DoG level, row y in slot y % 3: the differences, and their largest and
    # smallest over three columns. A sample is an extremum only if it equals the largest (smallest)
    # over its whole neighbourhood; that test runs in vector registers without a branch, and the
    # few that pass are compared strictly.
    dogs = np.empty((n_dogs, 3, width), np.float32)
    highs = np.empty((n_dogs, 3, width), np.float32)
    lows = np.empty((n_dogs, 3, width), np.float32)
    level_high = np.empty((n_dogs, width), np.float32)
    level_low = np.empty((n_dogs, width), np.float32)
    candidate = np.zeros(width, np.uint8)
    count = 0
    found = np.int64(0)
    for y in range(y_start - 1, y_stop + 1):
        slot = y % 3
        for level in range(n_dogs):
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
            for x in range(width - 2):
                a = left[x] if left[x] > right[x] else right[x]
                b = left[x] if left[x] < right[x] else right[x]
                high[x] = a if a > here[x] else here[x]
                low[x] = b if b < here[x] else here[x]
        if y < y_start + 1:
            continue
        middle = (y - 1) % 3
        for level in range(n_dogs):
            high0, high1, high2 = highs[level, 0], highs[level, 1], highs[level, 2]
            low0, low1, low2 = lows[level, 0], lows[level, 1], lows[level, 2]
            high = level_high[level]
            low = level_low[level]
            for x in range(width - 2):
                a = high0[x] if high0[x] > high1[x] else high1[x]
                high[x] = a if a > high2[x] else high2[x]
                b = low0[x] if low0[x] < low1[x] else low1[x]
                low[x] = b if b < low2[x] else low2[x]
        for level in range(1, n_dogs - 1):
            threshold = thresholds[level]
            here = dogs[level, middle, 1 : width - 1]
            high0, high1, high2 = level_high[level - 1], level_high[level], level_high[level + 1]
            low0, low1, low2 = level_low[level - 1], level_low[level], level_low[level + 1]
            found = np.int64(0)
            for x in range(width - 2):
                d = here[x]
                is_high = (d > threshold) & (d >= high0[x]) & (d >= high1[x]) & (d >= high2[x])
                is_low = (d < -threshold) & (d <= low0[x]) & (d <= low1[x]) & (d <= low2[x])
                flag = np.uint8(is_high | is_low)
                candidate[x] = flag
                found += flag
            if found == 0:
                continue
            for x in range(width - 2):
                if candidate[x] == 0:
                    continue
                d = here[x]
                ties = 0
                for near in range(level - 1, level + 2):
                    for row in range(3):
                        line = dogs[near, row]
                        for column in range(x, x + 3):
                            ties += line[column] == d
                if ties == 1:
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

    return np.concatenate(for_ranges(scan, last - first, CHUNK))
