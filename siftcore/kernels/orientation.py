"""Dominant gradient directions of keypoints.

Source: Lowe 2004, section 5; Otero & Delbracio 2014, section 4.1 (algorithm 11). Votes go to
the nearest bin, so that bin b stands for the direction ``2 pi b / n_bins``; the reference program
reads its bins half a bin further on, which is not copied. VLFeat shares a vote between the two
nearest, in proportion.
"""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float32, float64, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._gradient import (
    BATCH_SIZE,
    CAPACITY,
    DX,
    DY,
    U,
    V,
    direction,
    falling,
    fetch_window,
    gather_run,
)
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["find_orientations"]

CHUNK = 64

# The window's half-side, in units of its Gaussian's standard deviation.
WINDOW_REACH = 3.0
SMOOTHING_PASSES = 6

_HALF = np.float32(0.5)
# The exponent at the window's corner is 9; an eighth of it is in the range of `falling`.
_EIGHTH = np.float32(0.5 / 8.0)


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _vote(batch, n, n_bins, shared, histogram):  # type: ignore[no-untyped-def]
    """The first `n` samples of a batch into the histogram; its bins past the last are the first."""
    bins_per_radian = np.float32(n_bins / (2.0 * math.pi))
    for i in range(n):
        dx, dy = batch[DX + i], batch[DY + i]
        u, v = batch[U + i], batch[V + i]
        eighth = falling((u * u + v * v) * _EIGHTH)
        quarter = eighth * eighth
        half = quarter * quarter
        batch[DX + i] = np.sqrt(dx * dx + dy * dy) * (half * half)
        batch[DY + i] = direction(dx, dy) * bins_per_radian
    if shared:
        for i in range(n):
            below = np.uint32(np.int32(batch[DY + i]))
            share = batch[DX + i] * (batch[DY + i] - np.float32(below))
            histogram[below] += batch[DX + i] - share
            histogram[below + 1] += share
    else:
        for i in range(n):
            histogram[np.uint32(np.int32(batch[DY + i] + _HALF))] += batch[DX + i]


@kernel(
    array(float32, 3),
    array(int32, 1),
    array(float64, 1),
    array(float64, 1),
    array(float64, 1),
    float64,
    float64,
    int64,
    boolean,
    int64,
    int64,
    int64,
    int64,
    scratch(float32, 2),
    scratch(int32, 1),
)
def _orient(  # type: ignore[no-untyped-def]
    gaussians, levels, xs, ys, sigmas, window, peak_ratio, n_bins, shared, first_row, height,
    start, stop, angles, counts,
):  # fmt: skip
    """Peaks of keypoints [start, stop), the highest first, into rows of `angles`."""
    width = gaussians.shape[2]
    samples = gaussians.reshape(-1)
    batch = np.empty(BATCH_SIZE, np.float32)
    votes = np.empty(n_bins + 2, np.float64)
    histogram = votes[:n_bins]
    smoothed = np.empty(n_bins, np.float64)
    peak_height = np.empty(n_bins, np.float64)
    for index in range(start, stop):
        shape = (np.int64(levels[index]), gaussians.shape[1], width)
        x, y = xs[index], ys[index]
        spread = window * sigmas[index]
        reach = WINDOW_REACH * spread
        x_start = max(0, int(x - reach + 0.5))
        x_stop = min(width, int(x + reach + 0.5) + 1)
        y_start = max(0, int(y - reach + 0.5))
        y_stop = min(height, int(y + reach + 0.5) + 1)
        step = np.float32(1.0 / spread)
        if index + 1 < stop:
            fetch_window(
                samples, (np.int64(levels[index + 1]), gaussians.shape[1], width),
                xs[index + 1], ys[index + 1], WINDOW_REACH * window * sigmas[index + 1], first_row,
            )  # fmt: skip
        votes[:] = 0.0
        filled = 0
        for row in range(y_start, y_stop):
            column = x_start
            while column < x_stop:
                n = min(x_stop - column, CAPACITY - filled)
                gather_run(
                    samples, shape, row - first_row, column, n, filled,
                    np.float32((column - x) / spread), step,
                    np.float32((row - y) / spread), np.float32(0.0), batch,
                )  # fmt: skip
                column += n
                filled += n
                if filled == CAPACITY:
                    _vote(batch, filled, n_bins, shared, votes)
                    filled = 0
        _vote(batch, filled, n_bins, shared, votes)
        votes[0] += votes[n_bins]
        votes[1] += votes[n_bins + 1]
        for _ in range(SMOOTHING_PASSES):
            for b in range(n_bins):
                after = histogram[b + 1] if b + 1 < n_bins else histogram[0]
                before = histogram[b - 1] if b > 0 else histogram[n_bins - 1]
                smoothed[b] = (before + histogram[b] + after) / 3.0
            histogram[:] = smoothed
        highest = histogram.max()
        count = 0
        for b in range(n_bins):
            here = histogram[b]
            before = histogram[b - 1] if b > 0 else histogram[n_bins - 1]
            after = histogram[b + 1] if b + 1 < n_bins else histogram[0]
            if here <= before or here <= after or here < peak_ratio * highest:
                continue
            offset = 0.5 * (before - after) / (before + after - 2.0 * here)
            direction = (b + offset) * (2.0 * math.pi / n_bins)
            if direction < 0.0:
                direction += 2.0 * math.pi
            place = count
            while place > 0 and peak_height[place - 1] < here:
                peak_height[place] = peak_height[place - 1]
                angles[index, place] = angles[index, place - 1]
                place -= 1
            peak_height[place] = here
            angles[index, place] = direction
            count += 1
        counts[index] = count


def find_orientations(
    gaussians: NDArray[np.float32],
    levels: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sigma: NDArray[np.float64],
    *,
    window: float,
    peak_ratio: float,
    n_bins: int,
    shared_votes: bool = False,
    first_row: int = 0,
    height: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Directions of each keypoint.

    Parameters
    ----------
    gaussians : ndarray, (levels, H, W) float32, C-contiguous
    levels : ndarray, (N,) int32
        Gaussian level to read, a keypoint.
    x, y, sigma : ndarray, (N,) float64
        Position and scale, in samples of the octave.
    window : float
        Standard deviation of the Gaussian window, in units of `sigma`.
    peak_ratio : float
        Peaks of at least this share of the highest count.
    n_bins : int
    shared_votes : bool, default False
        Each vote goes to the two nearest bins, in proportion, instead of to the nearest.
    first_row, height : int, optional
        Of a strip: the octave's row that is the first of `gaussians`, and its number of rows. `y`
        counts from the octave's first row.

    Returns
    -------
    angles : ndarray, (N, n_bins // 2) float32
        Radians in [0, 2 pi), y down; the highest peak first. Only the first `counts` are written.
    counts : ndarray, (N,) int32
        Peaks a keypoint; 0 where the window is flat.
    """
    n = len(x)
    # Peaks are strict local maxima on a circle, so at most every other bin is one.
    angles = np.empty((n, n_bins // 2), np.float32)
    counts = np.empty(n, np.int32)

    rows = gaussians.shape[1] if height is None else height

    def task(start: int, stop: int) -> None:
        _orient(
            gaussians, levels, x, y, sigma, window, peak_ratio, n_bins, shared_votes,
            first_row, rows, start, stop, angles, counts,
        )  # fmt: skip

    for_ranges(task, n, CHUNK)
    # float32 rounds directions just below 2 pi up to it.
    angles[angles >= np.float32(2 * np.pi)] = 0.0
    return angles, counts
