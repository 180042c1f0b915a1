"""Sub-pixel refinement of extrema, and the contrast, edge and border tests.

Source: Lowe 2004, sections 4 and 4.1; Otero & Delbracio 2014, sections 3.2 and 3.3 (algorithms 6 to
9). The quadratic fit of the DoG at a sample gives an offset; one that exceeds 0.6 of a sample moves
the fit to the neighbouring sample, and it is tried again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import float32, float64, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges
from siftcore.kernels._vectors import fetch

__all__ = ["Extrema", "refine_extrema"]

CHUNK = 512

# Above one half, so that a peak between two samples is accepted at either of them.
MAX_OFFSET = 0.6

# Columns of the kernel's float output.
# Samples of this many candidates are on their way while one is fitted.
_AHEAD = 4

_X, _Y, _LEVEL, _SIGMA, _VALUE = range(5)


class Extrema(NamedTuple):
    """Refined extrema that passed every test, on the octave's own grid.

    Attributes
    ----------
    sample : ndarray, (N, 3) int32
        DoG level, row and column of the accepted sample.
    x, y : ndarray, (N,) float64
        Refined position, in samples.
    level : ndarray, (N,) float64
        Refined DoG level.
    sigma : ndarray, (N,) float64
        Refined scale, in the unit of the ladder that was passed.
    value : ndarray, (N,) float64
        Refined DoG value, signed.
    """

    sample: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    level: NDArray[np.float64]
    sigma: NDArray[np.float64]
    value: NDArray[np.float64]

    def take(self, chosen: NDArray[np.bool_]) -> Extrema:
        """The chosen extrema."""
        kept: list[Any] = [np.ascontiguousarray(array[chosen]) for array in self]
        return Extrema(*kept)


@kernel(
    array(float32, 3),
    array(int32, 2),
    array(float64, 1),
    array(float64, 1),
    array(float64, 1),
    float64,
    float64,
    int64,
    int64,
    int64,
    int64,
    int64,
    scratch(int32, 2),
    scratch(float64, 2),
    returns=int64,
)
def _refine(  # type: ignore[no-untyped-def]
    gaussians, candidates, sigmas, weights, thresholds, edge_ratio, delta, max_fits,
    first_row, height, start, stop, sample, out,
):  # fmt: skip
    """Accepted candidates of [start, stop) into `sample` and `out`; how many they are."""
    n_dogs = gaussians.shape[0] - 1
    width = gaussians.shape[2]
    max_edge = (edge_ratio + 1.0) ** 2 / edge_ratio
    cube = np.empty((3, 3, 3), np.float64)
    count = 0
    samples = gaussians.reshape(-1)
    for index in range(start, stop):
        if index + _AHEAD < stop:
            level, y, x = candidates[index + _AHEAD]
            for near_level in range(level - 1, level + 3):
                for row in range(y - first_row - 1, y - first_row + 2):
                    fetch(samples, (near_level * gaussians.shape[1] + row) * width + x)
        level, y, x = candidates[index]
        accepted = False
        d_level = d_y = d_x = 0.0
        value = trace = determinant = 0.0
        for _ in range(max_fits):
            top = y - first_row - 1
            for i in range(3):
                for j in range(3):
                    for k in range(3):
                        cube[i, j, k] = weights[level + i - 1] * (
                            gaussians[level + i, top + j, x + k - 1]
                            - gaussians[level + i - 1, top + j, x + k - 1]
                        )
            centre = cube[1, 1, 1]
            g_s = 0.5 * (cube[2, 1, 1] - cube[0, 1, 1])
            g_y = 0.5 * (cube[1, 2, 1] - cube[1, 0, 1])
            g_x = 0.5 * (cube[1, 1, 2] - cube[1, 1, 0])
            h_ss = cube[2, 1, 1] + cube[0, 1, 1] - 2.0 * centre
            h_yy = cube[1, 2, 1] + cube[1, 0, 1] - 2.0 * centre
            h_xx = cube[1, 1, 2] + cube[1, 1, 0] - 2.0 * centre
            h_sy = 0.25 * (cube[2, 2, 1] - cube[2, 0, 1] - cube[0, 2, 1] + cube[0, 0, 1])
            h_sx = 0.25 * (cube[2, 1, 2] - cube[2, 1, 0] - cube[0, 1, 2] + cube[0, 1, 0])
            h_yx = 0.25 * (cube[1, 2, 2] - cube[1, 2, 0] - cube[1, 0, 2] + cube[1, 0, 0])
            # Inverse by cofactors of the symmetric 3 x 3 Hessian.
            c_ss = h_yy * h_xx - h_yx * h_yx
            c_sy = h_yx * h_sx - h_sy * h_xx
            c_sx = h_sy * h_yx - h_yy * h_sx
            det3 = h_ss * c_ss + h_sy * c_sy + h_sx * c_sx
            if det3 == 0.0:
                break
            c_yy = h_ss * h_xx - h_sx * h_sx
            c_yx = h_sy * h_sx - h_ss * h_yx
            c_xx = h_ss * h_yy - h_sy * h_sy
            d_level = -(c_ss * g_s + c_sy * g_y + c_sx * g_x) / det3
            d_y = -(c_sy * g_s + c_yy * g_y + c_yx * g_x) / det3
            d_x = -(c_sx * g_s + c_yx * g_y + c_xx * g_x) / det3
            if abs(d_level) < MAX_OFFSET and abs(d_y) < MAX_OFFSET and abs(d_x) < MAX_OFFSET:
                value = centre + 0.5 * (g_s * d_level + g_y * d_y + g_x * d_x)
                trace = h_xx + h_yy
                determinant = h_xx * h_yy - h_yx * h_yx
                accepted = True
                break
            if d_level > MAX_OFFSET and level + 1 < n_dogs - 1:
                level += 1
            elif d_level < -MAX_OFFSET and level - 1 > 0:
                level -= 1
            if d_y > MAX_OFFSET and y + 1 < height - 1:
                y += 1
            elif d_y < -MAX_OFFSET and y - 1 > 0:
                y -= 1
            if d_x > MAX_OFFSET and x + 1 < width - 1:
                x += 1
            elif d_x < -MAX_OFFSET and x - 1 > 0:
                x -= 1
        if not accepted or abs(value) <= thresholds[level]:
            continue
        # A saddle (negative determinant) is no blob at any threshold (Lowe 2004, 4.1).
        if determinant <= 0.0 or trace * trace > max_edge * determinant:
            continue
        # Between two levels the scale is interpolated geometrically, as the ladder grows.
        neighbour = level + 1 if d_level >= 0.0 else level - 1
        sigma = sigmas[level] * (sigmas[neighbour] / sigmas[level]) ** abs(d_level)
        radius = sigma / delta
        if x + d_x < radius or x + d_x > width - 1 - radius:
            continue
        if y + d_y < radius or y + d_y > height - 1 - radius:
            continue
        sample[count, 0], sample[count, 1], sample[count, 2] = level, y, x
        out[count, _X] = x + d_x
        out[count, _Y] = y + d_y
        out[count, _LEVEL] = level + d_level
        out[count, _SIGMA] = sigma
        out[count, _VALUE] = value
        count += 1
    return count


def refine_extrema(
    gaussians: NDArray[np.float32],
    candidates: NDArray[np.int32],
    sigmas: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    *,
    delta: float,
    edge_ratio: float,
    max_fits: int,
    weights: NDArray[np.float64] | None = None,
    first_row: int = 0,
    height: int | None = None,
) -> Extrema:
    """Fit each candidate and keep those that pass the tests.

    Parameters
    ----------
    gaussians : ndarray, (levels, H, W) float32, C-contiguous
    candidates : ndarray, (N, 3) int32
        DoG level, row, column, as from `find_extrema`.
    sigmas : ndarray, (levels,) float64
        Blur of the levels, in input pixels.
    thresholds : ndarray, (levels - 1,) float64
        Smallest absolute refined value, a DoG level.
    delta : float
        Sampling step, input pixels.
    edge_ratio : float
        Largest ratio of principal curvatures.
    max_fits : int
        Quadratic fits before a candidate is given up.
    weights : ndarray, (levels - 1,) float64, optional
        Factors of the DoG levels, applied before anything else; 1 by default.
    first_row, height : int, optional
        Of a strip: the octave's row that is the first of `gaussians`, and its number of rows. Rows
        of candidates and results count from the octave's first.

    Returns
    -------
    Extrema
        In the order of the candidates; of several that end on one sample, the first.
    """
    n = len(candidates)
    rows = gaussians.shape[1] if height is None else height
    factors = np.ones_like(thresholds) if weights is None else weights
    sample = np.empty((n, 3), np.int32)
    out = np.empty((n, 5), np.float64)

    def task(start: int, stop: int) -> int:
        count: int = _refine(
            gaussians, candidates, sigmas, factors, thresholds, edge_ratio, delta, max_fits,
            first_row, rows, start, stop, sample[start:stop], out[start:stop],
        )  # fmt: skip
        return count

    counts = for_ranges(task, n, CHUNK)
    starts = range(0, n, CHUNK)
    kept = np.concatenate(
        [np.arange(start, start + count) for start, count in zip(starts, counts, strict=True)]
        or [np.empty(0, np.intp)]
    )
    # Neighbouring candidates may move onto the same sample and would be one keypoint twice.
    place = np.ravel_multi_index(tuple((sample[kept] - (0, first_row, 0)).T), gaussians.shape)
    _, first = np.unique(place, return_index=True)
    kept = kept[np.sort(first)]
    chosen = out[kept]
    return Extrema(sample[kept], *(np.ascontiguousarray(column) for column in chosen.T))
