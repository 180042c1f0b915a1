"""Exact distances of descriptors, and the nearest of a few candidates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["Nearest", "insert", "ranked", "squared_distance"]

_RANKED_ROWS = 1024


class Nearest(NamedTuple):
    """Two nearest of each row of a, and the nearest of each row of b.

    Attributes
    ----------
    indices : ndarray, (N, 2) int32
        Rows of b, nearest first; -1 where b is too short.
    distance : ndarray, (N, 2) float64
        Euclidean; infinity where b is too short.
    back : ndarray, (M,) int32
        Row of a nearest to each row of b.
    """

    indices: NDArray[np.int32]
    distance: NDArray[np.float64]
    back: NDArray[np.int32]


# A sum in one order waits for each addition; this one has another order, but always the same.
@njit(nogil=True, error_model="numpy", fastmath=FASTMATH | {"reassoc"})
def squared_distance(a, b):  # type: ignore[no-untyped-def]
    """Of two float32 rows, summed in float64."""
    total = 0.0
    for j in range(a.shape[0]):
        difference = float64(a[j]) - float64(b[j])
        total += difference * difference
    return total


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def insert(candidate, squared, index, distance):  # type: ignore[no-untyped-def]
    """Put a candidate into the nearest of a row, ties to the lower index."""
    place = index.shape[0]
    while place > 0 and (
        squared < distance[place - 1]
        or (squared == distance[place - 1] and candidate < index[place - 1])
    ):
        place -= 1
    if place == index.shape[0]:
        return
    for k in range(index.shape[0] - 1, place, -1):
        index[k], distance[k] = index[k - 1], distance[k - 1]
    index[place], distance[place] = candidate, squared


@kernel(
    array(float32, 2), array(float32, 2), array(int32, 2), int64, int64, scratch(int32, 2),
    scratch(float64, 2),
)  # fmt: skip
def _rank(a, b, candidates, start, stop, index, distance):  # type: ignore[no-untyped-def]
    """The nearest of a row's candidates by exact distance."""
    for row in range(start, stop):
        index[row] = -1
        distance[row] = np.inf
        for candidate in candidates[row]:
            if candidate >= 0:
                squared = squared_distance(a[row], b[candidate])
                insert(candidate, squared, index[row], distance[row])
        for k in range(index.shape[1]):
            distance[row, k] = np.sqrt(distance[row, k])


def ranked(
    a: NDArray[np.float32], b: NDArray[np.float32], candidates: NDArray[np.int32], n_kept: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The `n_kept` nearest of each row's candidates.

    Parameters
    ----------
    a, b : ndarray, (N, D) and (M, D) float32, C-contiguous
    candidates : ndarray, (N, k) int32
        Rows of `b`; negative for none.
    n_kept : int

    Returns
    -------
    indices : ndarray, (N, n_kept) int32
        Nearest first, ties to the lower row; -1 where there are too few.
    distance : ndarray, (N, n_kept) float64
        Euclidean, from the differences; infinity where there are too few.
    """
    indices = np.empty((len(a), n_kept), np.int32)
    distance = np.empty((len(a), n_kept), np.float64)

    def task(start: int, stop: int) -> None:
        _rank(a, b, candidates, start, stop, indices, distance)

    for_ranges(task, len(a), _RANKED_ROWS)
    return indices, distance
