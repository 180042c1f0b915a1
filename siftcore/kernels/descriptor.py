"""The SIFT descriptor: 4 x 4 cells of 8 orientation bins, with trilinear weights.

Source: Lowe 2004, section 6; Otero & Delbracio 2014, section 4.2. Layout (row, column, bin), as
OpenCV and Lowe's program have it: bin b counts gradients turned by ``-2 pi b / 8`` (with y down)
from the keypoint's angle.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._gradient import polar_gradients
from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["N_BINS", "N_CELLS", "compute_descriptors"]

CHUNK = 32

N_CELLS = 4
N_BINS = 8
# Cells that a sample half a cell outside the square still reaches, on either side.
_PADDED = N_CELLS + 2
# The Gaussian window's standard deviation is half the width of the square, in cells.
WINDOW = 0.5 * N_CELLS
# Samples up to half a cell outside the square contribute to its outer cells.
REACH = 0.5 * (N_CELLS + 1)


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
    """Descriptors of keypoints [start, stop), L2-normalised, clamped, normalised again."""
    width = gaussians.shape[2]
    weights = np.empty(width, np.float32)
    padded = np.empty(width + 2, np.float32)
    magnitude = np.empty(width, np.float32)
    angle = np.empty(width, np.float32)
    # One bin more than there are: the last one is folded into the first at the end.
    histogram = np.empty((_PADDED, _PADDED, N_BINS + 1), np.float32)
    bins_per_radian = np.float32(N_BINS / (2.0 * math.pi))
    n_bins = np.float32(N_BINS)
    zero = np.float32(0.0)
    one = np.float32(1.0)
    shift = np.float32(0.5 * N_CELLS + 0.5)
    for index in range(start, stop):
        level = gaussians[levels[index]]
        x, y = xs[index], ys[index]
        size = cell * sigmas[index]
        cosine = math.cos(angles[index]) / size
        sine = math.sin(angles[index]) / size
        turn = np.float32(angles[index]) * bins_per_radian
        reach = REACH * size * (abs(cosine) + abs(sine)) * size
        x_low = max(0, math.ceil(x - reach))
        x_high = min(width - 1, math.floor(x + reach))
        y_low = max(0, math.ceil(y - reach))
        y_high = min(height - 1, math.floor(y + reach))
        decay = -0.5 / (WINDOW * size) ** 2
        for i in range(max(0, x_high - x_low + 1)):
            weights[i] = math.exp(decay * (x_low + i - x) ** 2)
        histogram[:] = zero
        for row in range(y_low, y_high + 1):
            dy = row - y
            # The part of this row inside the turned square: u = c dx + s dy and
            # v = c dy - s dx, both within +- REACH cells.
            left, right = float(x_low), float(x_high)
            if abs(cosine) > 1e-12:
                a = (-REACH - sine * dy) / cosine + x
                b = (REACH - sine * dy) / cosine + x
                left = max(left, min(a, b))
                right = min(right, max(a, b))
            elif abs(sine * dy) >= REACH:
                continue
            if abs(sine) > 1e-12:
                a = (cosine * dy - REACH) / sine + x
                b = (cosine * dy + REACH) / sine + x
                left = max(left, min(a, b))
                right = min(right, max(a, b))
            elif abs(cosine * dy) >= REACH:
                continue
            if left > right:
                continue
            x_start = math.ceil(left)
            n = math.floor(right) - x_start + 1
            if n <= 0:
                continue
            first = x_start - x_low
            run = weights[first : first + n]
            polar_gradients(level, row - first_row, x_start, run, padded, magnitude, angle)
            row_weight = np.float32(math.exp(decay * dy * dy))
            u_step = np.float32(cosine)
            v_step = np.float32(-sine)
            dx = x_start - x
            u_start = np.float32(cosine * dx + sine * dy) + shift
            v_start = np.float32(cosine * dy - sine * dx) + shift
            for i in range(n):
                u = u_start + np.float32(i) * u_step
                v = v_start + np.float32(i) * v_step
                o = turn - angle[i] * bins_per_radian
                if o < zero:
                    o += n_bins
                column = int(u)
                line = int(v)
                if column < 0 or line < 0 or column > N_CELLS or line > N_CELLS:
                    continue
                b = int(o)
                if b >= N_BINS:
                    b = 0
                    o = zero
                u -= np.float32(column)
                v -= np.float32(line)
                o -= np.float32(b)
                vote = magnitude[i] * row_weight
                vote1 = vote * v
                vote0 = vote - vote1
                vote01 = vote0 * u
                vote00 = vote0 - vote01
                vote11 = vote1 * u
                vote10 = vote1 - vote11
                rest = one - o
                histogram[line, column, b] += vote00 * rest
                histogram[line, column, b + 1] += vote00 * o
                histogram[line, column + 1, b] += vote01 * rest
                histogram[line, column + 1, b + 1] += vote01 * o
                histogram[line + 1, column, b] += vote10 * rest
                histogram[line + 1, column, b + 1] += vote10 * o
                histogram[line + 1, column + 1, b] += vote11 * rest
                histogram[line + 1, column + 1, b + 1] += vote11 * o
        target = out[index]
        k = 0
        total = np.float64(0.0)
        for line in range(1, N_CELLS + 1):
            for column in range(1, N_CELLS + 1):
                histogram[line, column, 0] += histogram[line, column, N_BINS]
                for b in range(N_BINS):
                    value = histogram[line, column, b]
                    target[k] = value
                    total += value * value
                    k += 1
        limit = np.float32(clamp * math.sqrt(total))
        total = np.float64(0.0)
        for k in range(target.shape[0]):
            value = target[k] if target[k] < limit else limit
            target[k] = value
            total += value * value
        scale = np.float32(1.0 / math.sqrt(total)) if total > 0.0 else zero
        for k in range(target.shape[0]):
            target[k] *= scale


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
