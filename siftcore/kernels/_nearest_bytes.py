"""The nearest descriptors by products of bytes, decided by exact distances of the few that may be.

Both sets are rounded to bytes on one scale. By the triangle inequality the distance of two rounded
descriptors is off by no more than the rounding moved both; so whatever is further away than the
second best by more than twice that cannot be among the two nearest. All the others, a handful for
each row, are compared by their exact distances.
"""

from __future__ import annotations

import threading

import numpy as np
from numba import float32, float64, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._byte_products import (
    COLUMNS,
    LANES,
    ROWS,
    byte_product,
    nearness_block,
)
from siftcore.kernels._bytes import FAR, GROUP, Scale, signed, unsigned
from siftcore.kernels._distances import Nearest, squared_distance
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["CHUNK", "LONGEST", "WAVE", "nearest_two_by_bytes"]

# Rows a range, and columns that all its rows go through before the next: what is kept of their
# products stays in the second cache.
CHUNK = 42 * ROWS
WAVE = 16 * GROUP
# Nearness of longer rows would come close to what fills up blocks.
LONGEST = 4096
_LEAST = -FAR // 2
_NOBODY = np.iinfo(np.int32).max
# An exact distance costs as much as so many products of bytes; more than this share of all products
# again, and the bytes do not tell the descriptors apart.
_EXACT_COST, _SPENT_SHARE, _SPENT_ANYWAY = 6, 0.125, 2**16

_inline = njit(nogil=True, error_model="numpy", fastmath=FASTMATH)


@_inline
def _reach(nearness, step, slack):  # type: ignore[no-untyped-def]
    """The furthest away that descriptors may be whose bytes are as near as this."""
    # Both halves of squared norms were rounded down.
    return step * np.sqrt(2.0 - 2.0 * nearness) + slack


@_inline
def _least_nearness(distance, step, slack):  # type: ignore[no-untyped-def]
    """Descriptors whose bytes are less near than this are further away than the distance."""
    steps = (distance + slack) / step * (1.0 + 1e-9)
    return int32(max(-0.5 * steps * steps - 1.0, _LEAST))


@_inline
def _second(of_rows, at, stride, n_groups):  # type: ignore[no-untyped-def]
    """Second-largest nearness of a row's groups."""
    best = np.full(LANES, _LEAST, np.int32)
    runner = np.full(LANES, _LEAST, np.int32)
    for group in range(n_groups):
        for lane in range(LANES):
            value = of_rows[at + group * stride + lane]
            runner[lane] = max(runner[lane], min(value, best[lane]))
            best[lane] = max(best[lane], value)
    lane = np.argmax(best)
    second = runner[lane]
    best[lane] = _LEAST
    return max(second, best.max())


@_inline
def _offer(row, column, squared, back, back_distance):  # type: ignore[no-untyped-def]
    if squared < back_distance[column] or (
        squared == back_distance[column] and row < back[column]
    ):
        back_distance[column] = squared
        back[column] = row


@_inline
def _insert(column, squared, index, distance):  # type: ignore[no-untyped-def]
    if squared > distance[1] or (squared == distance[1] and column > index[1]):
        return
    if squared < distance[0] or (squared == distance[0] and column < index[0]):
        index[1], distance[1] = index[0], distance[0]
        index[0], distance[0] = column, squared
    else:
        index[1], distance[1] = column, squared


@kernel(
    array(float32, 2), array(float32, 2), array(int32, 2), array(int32, 1), array(int32, 2),
    array(int32, 1), array(int32, 1), float64, float64, int64, int64, scratch(int32, 2),
    scratch(float64, 2), scratch(int32, 1), scratch(float64, 1), returns=int64,
)  # fmt: skip
def _search(  # type: ignore[no-untyped-def]
    a, b, words_a, less, words_b, panels, start, step, slack, first, last, index, distance, back,
    back_distance,
):  # fmt: skip
    """Rows of a range and all columns; squared distances. 1 if the bytes tell too little."""
    length = words_a.shape[1]
    rows_a, rows_b = words_a.reshape(-1), words_b.reshape(-1)
    n_blocks = (last - first + ROWS - 1) // ROWS
    stride = n_blocks * ROWS * LANES
    wave = min(WAVE, start.shape[0])
    of_rows = np.empty(wave // GROUP * stride, np.int32)
    of_columns = np.empty(n_blocks * wave, np.int32)
    nearest = np.empty(wave, np.int32)
    left = _SPENT_ANYWAY + _SPENT_SHARE * (last - first) * start.shape[0]
    for column in range(0, start.shape[0], wave):
        n_columns = min(wave, start.shape[0] - column)
        of_rows[:] = _LEAST
        for panel in range(0, n_columns, COLUMNS):
            at = panel // GROUP * stride
            for block in range(n_blocks):
                row = first + block * ROWS
                nearness_block(
                    rows_a, row * length, less, row, length, panels, (column + panel) * length,
                    start, column + panel, of_rows, at + block * ROWS * LANES, of_columns,
                    block * wave + panel,
                )  # fmt: skip

        for row in range(first, last):
            at = (row - first) * LANES
            limit = np.sqrt(distance[row, 1])
            if column == 0:
                second = _second(of_rows, at, stride, n_columns // GROUP)
                limit = min(limit, _reach(second, step, slack))
            least = _least_nearness(limit, step, slack)
            for group in range(n_columns // GROUP):
                here = at + group * stride
                n_near = 0
                for lane in range(LANES):
                    n_near += of_rows[here + lane] >= least
                if n_near == 0:
                    continue
                left -= n_near * (GROUP // LANES)
                for lane in range(LANES):
                    if of_rows[here + lane] < least:
                        continue
                    for k in range(lane, GROUP, LANES):
                        other = column + group * GROUP + k
                        product = byte_product(
                            rows_b, other * length, rows_a, row * length, length
                        )
                        if product + start[other] - less[row] < least:
                            continue
                        left -= _EXACT_COST
                        squared = squared_distance(a[row], b[other])
                        _insert(int32(other), squared, index[row], distance[row])
                        _offer(int32(row), other, squared, back, back_distance)
            if left < 0:
                return 1

        nearest[:] = _LEAST
        for block in range(n_blocks):
            for k in range(n_columns):
                nearest[k] = max(nearest[k], of_columns[block * wave + k])
        for k in range(min(n_columns, b.shape[0] - column)):
            other = column + k
            limit = min(np.sqrt(back_distance[other]), _reach(nearest[k], step, slack))
            least = _least_nearness(limit, step, slack)
            if nearest[k] < least:
                continue
            for block in range(n_blocks):
                if of_columns[block * wave + k] < least:
                    continue
                left -= ROWS
                for row in range(first + block * ROWS, first + (block + 1) * ROWS):
                    product = byte_product(rows_b, other * length, rows_a, row * length, length)
                    if product + start[other] - less[row] < least:
                        continue
                    left -= _EXACT_COST
                    _offer(int32(row), other, squared_distance(a[row], b[other]), back,
                           back_distance)
            if left < 0:
                return 1
    return 0


class _Back:
    """The nearest row of each column so far, of ranges that end in any order."""

    def __init__(self, n: int) -> None:
        self.row = np.full(n, _NOBODY, np.int32)
        self.squared = np.full(n, np.inf)
        self._lock = threading.Lock()

    def limits(self) -> NDArray[np.float64]:
        with self._lock:
            return self.squared.copy()

    def merge(self, row: NDArray[np.int32], squared: NDArray[np.float64]) -> None:
        with self._lock:
            nearer = squared < self.squared
            nearer |= (squared == self.squared) & (row < self.row)
            self.row[nearer] = row[nearer]
            self.squared[nearer] = squared[nearer]


def nearest_two_by_bytes(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest | None:
    """As `siftcore.kernels.nearest.nearest_two`.

    Parameters
    ----------
    a, b : ndarray, (N, D) and (M, D) float32, C-contiguous
        N, M > 0, D <= `LONGEST`.

    Returns
    -------
    Nearest or None
        None if too many descriptors look alike when rounded to bytes.
    """
    scale = Scale.of(a, b)
    of_a, of_b = signed(a, scale, ROWS), unsigned(b, scale)
    slack = of_a.error + of_b.error
    indices = np.full((len(a), 2), -1, np.int32)
    squared = np.full((len(a), 2), np.inf)
    back = _Back(len(b))
    alike = threading.Event()

    def search(start: int, stop: int) -> None:
        if alike.is_set():
            return
        row, limits = np.full(len(b), _NOBODY, np.int32), back.limits()
        if _search(
            a, b, of_a.words, of_a.less, of_b.words, of_b.panels, of_b.start, scale.step, slack,
            start, stop, indices, squared, row, limits,
        ):  # fmt: skip
            alike.set()
        back.merge(row, limits)

    for_ranges(search, len(a), CHUNK)
    return None if alike.is_set() else Nearest(indices, np.sqrt(squared), back.row)
