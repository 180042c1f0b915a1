"""The SIFT descriptor: 4 x 4 cells of 8 orientation bins, with trilinear weights.

Source: Lowe 2004, section 6; Otero & Delbracio 2014, section 4.2 (algorithm 12). Layout (row,
column, bin), as OpenCV and Lowe's program have it: bin b counts gradients turned by ``-2 pi b / 8``
(with y down) from the keypoint's angle.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._gradient import (
    BATCH_SIZE,
    CAPACITY,
    DX,
    DY,
    PART,
    U,
    V,
    direction,
    falling,
    fetch_window,
    gather_run,
)
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges
from siftcore.kernels._votes import BIN_SHARES, N_BINS, SLOT, add_votes

__all__ = ["N_BINS", "N_CELLS", "compute_descriptors"]

CHUNK = 32

N_CELLS = 4
# Squares of four cells, a row of them: a sample half a cell outside still reaches the outer cells.
_SQUARES = N_CELLS + 1
_HISTOGRAM = _SQUARES * _SQUARES * SLOT
# The Gaussian window's standard deviation is half the width of the square, in cells.
WINDOW = 0.5 * N_CELLS
# Samples up to half a cell outside the square contribute to its outer cells.
REACH = 0.5 * _SQUARES
# Below this a side of the square is parallel to the rows or columns.
_PARALLEL = 1e-12

_ZERO = np.float32(0.0)
_SIDE = np.float32(_SQUARES)
# The largest below it, so that the whole part is a square.
_LAST = np.nextafter(_SIDE, _ZERO)
_MIDDLE = np.float32(REACH)
_DECAY = np.float32(0.5 / WINDOW**2)
_ALL_BINS = np.float32(N_BINS)
_BINS_PER_RADIAN = np.float32(N_BINS / (2.0 * math.pi))
# From a square's cells to those of its neighbours on the left, above and both.
_LEFT = -SLOT + N_BINS
_ABOVE = -SLOT * _SQUARES + 2 * N_BINS
_BEFORE = _ABOVE + _LEFT


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _vote(batch, n, turn, places, histograms):  # type: ignore[no-untyped-def]
    """The first `n` samples of a batch into the two histograms."""
    for i in range(n):
        dx, dy = batch[DX + i], batch[DY + i]
        u, v = batch[U + i], batch[V + i]
        orientation = turn - direction(dx, dy) * _BINS_PER_RADIAN
        off_u, off_v = u - _MIDDLE, v - _MIDDLE
        vote = np.sqrt(dx * dx + dy * dy) * falling((off_u * off_u + off_v * off_v) * _DECAY)
        # Rounding may take a sample past the side of the square, where its share is 0.
        u = u if u > _ZERO else _ZERO
        u = u if u < _LAST else _LAST
        v = v if v > _ZERO else _ZERO
        v = v if v < _LAST else _LAST
        column, row, nearest = np.int32(u), np.int32(v), np.int32(orientation)
        right = vote * (u - np.float32(column))
        left = vote - right
        below = v - np.float32(row)
        lower_left, lower_right = left * below, right * below
        batch[DX + i] = left - lower_left
        batch[DY + i] = right - lower_right
        batch[U + i] = lower_left
        batch[V + i] = lower_right
        batch[PART + i] = orientation - np.float32(nearest)
        slot = (row * np.int32(_SQUARES) + column) * np.int32(SLOT)
        places[i] = slot * np.int32(N_BINS) + (nearest & np.int32(N_BINS - 1))
    # By turns into two histograms: a sum that the sample before has just changed is not there yet.
    for i in range(n):
        place = np.uint64(np.uint32(places[i]))
        own = place // np.uint64(N_BINS) + np.uint64(i & 1) * np.uint64(_HISTOGRAM)
        shares = (place % np.uint64(N_BINS)) * np.uint64(2 * N_BINS)
        add_votes(
            histograms, own, BIN_SHARES, shares, batch[PART + i],
            batch[DX + i], batch[DY + i], batch[U + i], batch[V + i],
        )  # fmt: skip


# Sums of 128 squares may take any order, as long as it is always the same.
@njit(nogil=True, error_model="numpy", fastmath=FASTMATH | {"reassoc"})
def _normalise(histogram, clamp, target):  # type: ignore[no-untyped-def]
    """Bins of the inner cells, L2-normalised, clamped, normalised again."""
    k = 0
    total = np.float64(0.0)
    for row in range(1, N_CELLS + 1):
        for column in range(1, N_CELLS + 1):
            own = (row * _SQUARES + column) * SLOT
            for b in range(own, own + N_BINS):
                value = (histogram[b] + histogram[b + _LEFT]) + (
                    histogram[b + _ABOVE] + histogram[b + _BEFORE]
                )
                target[k] = value
                total += value * value
                k += 1
    limit = np.float32(clamp * math.sqrt(total))
    total = np.float64(0.0)
    for k in range(target.shape[0]):
        value = target[k] if target[k] < limit else limit
        target[k] = value
        total += value * value
    scale = np.float32(1.0 / math.sqrt(total)) if total > 0.0 else _ZERO
    for k in range(target.shape[0]):
        target[k] *= scale


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _inside(left, right, inverse, offset):  # type: ignore[no-untyped-def]
    """The part of [left, right] where ``abs(x / inverse + offset) <= REACH``."""
    if inverse == 0.0:
        return (left, right) if abs(offset) < REACH else (1.0, 0.0)
    middle, half = -offset * inverse, REACH * abs(inverse)
    return max(left, middle - half), min(right, middle + half)


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _inverse(slope):  # type: ignore[no-untyped-def]
    """``1 / slope``; 0 for a side that is parallel to the rows or columns."""
    return 1.0 / slope if abs(slope) > _PARALLEL else 0.0


@kernel(
    array(float32, 3),
    array(int32, 1),
    array(float64, 1),
    array(float64, 1),
    array(float64, 1),
    array(float32, 1),
    float64,
    float64,
    int64,
    int64,
    int64,
    int64,
    scratch(float32, 2),
)
def _describe(  # type: ignore[no-untyped-def]
    gaussians, levels, xs, ys, sigmas, angles, cell, clamp, first_row, height, start, stop, out
):
    """Descriptors of keypoints [start, stop)."""
    width = gaussians.shape[2]
    samples = gaussians.reshape(-1)
    batch = np.empty(BATCH_SIZE, np.float32)
    places = np.empty(CAPACITY, np.int32)
    room = np.empty(2 * _HISTOGRAM + 16, np.float32)
    # Slots begin with a cache line.
    first = (-np.int64(room.ctypes.data) & 63) // 4
    histograms = room[first : first + 2 * _HISTOGRAM]
    for index in range(start, stop):
        shape = (np.int64(levels[index]), gaussians.shape[1], width)
        x, y = xs[index], ys[index]
        size = cell * sigmas[index]
        cosine = math.cos(angles[index]) / size
        sine = math.sin(angles[index]) / size
        over_cosine, over_sine = _inverse(cosine), _inverse(sine)
        # A full turn more, so that what is left after subtracting a direction is positive.
        turn = np.float32(angles[index]) * _BINS_PER_RADIAN + _ALL_BINS
        reach = REACH * size * (abs(cosine) + abs(sine)) * size
        x_low = max(0, math.ceil(x - reach))
        x_high = min(width - 1, math.floor(x + reach))
        y_low = max(0, math.ceil(y - reach))
        y_high = min(height - 1, math.floor(y + reach))
        if index + 1 < stop:
            fetch_window(
                samples, (np.int64(levels[index + 1]), gaussians.shape[1], width),
                xs[index + 1], ys[index + 1], REACH * cell * sigmas[index + 1], first_row,
            )  # fmt: skip
        histograms[:] = _ZERO
        filled = 0
        for row in range(y_low, y_high + 1):
            dy = row - y
            # The part of this row inside the turned square: u = c dx + s dy and
            # v = c dy - s dx, both within +- REACH cells.
            left, right = _inside(x_low - x, x_high - x, over_cosine, sine * dy)
            left, right = _inside(left, right, -over_sine, cosine * dy)
            column = math.ceil(x + left)
            last = math.floor(x + right)
            while column <= last:
                n = min(last - column + 1, CAPACITY - filled)
                dx = column - x
                gather_run(
                    samples, shape, row - first_row, column, n, filled,
                    np.float32(cosine * dx + sine * dy) + _MIDDLE, np.float32(cosine),
                    np.float32(cosine * dy - sine * dx) + _MIDDLE, np.float32(-sine), batch,
                )  # fmt: skip
                column += n
                filled += n
                if filled == CAPACITY:
                    _vote(batch, filled, turn, places, histograms)
                    filled = 0
        _vote(batch, filled, turn, places, histograms)
        for k in range(_HISTOGRAM):
            histograms[k] += histograms[_HISTOGRAM + k]
        _normalise(histograms, clamp, out[index])


def compute_descriptors(
    gaussians: NDArray[np.float32],
    levels: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sigma: NDArray[np.float64],
    angle: NDArray[np.float32],
    *,
    cell: float,
    clamp: float,
    first_row: int = 0,
    height: int | None = None,
) -> NDArray[np.float32]:
    """Descriptors of keypoints on one octave.

    Parameters
    ----------
    gaussians : ndarray, (levels, H, W) float32, C-contiguous
    levels : ndarray, (N,) int32
        Gaussian level to read, a keypoint.
    x, y, sigma : ndarray, (N,) float64
        Position and scale, in samples of the octave.
    angle : ndarray, (N,) float32
        Radians in [0, 2 pi).
    cell : float
        Side of a cell, in units of `sigma`.
    clamp : float
        Largest share of the norm that a bin may have.
    first_row, height : int, optional
        Of a strip; as for `find_orientations`.

    Returns
    -------
    ndarray, (N, 128) float32
        L2 norm 1; all zero where the window is flat.
    """
    out = np.empty((len(x), N_CELLS * N_CELLS * N_BINS), np.float32)
    rows = gaussians.shape[1] if height is None else height

    def task(start: int, stop: int) -> None:
        _describe(
            gaussians, levels, x, y, sigma, angle, cell, clamp, first_row, rows, start, stop, out
        )

    for_ranges(task, len(x), CHUNK)
    return out
