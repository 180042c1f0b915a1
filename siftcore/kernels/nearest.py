"""The nearest and second-nearest descriptors of two sets, exactly and in bounded memory.

Squared distances come as matrix products, one tile at a time; a tile updates the best of its rows
and of its columns, so that both directions take one pass. The product's float32 rounding may
reorder near-ties, so a few candidates more than needed are kept and their distances taken again
from the differences, in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["Nearest", "nearest_two"]

TILE_ROWS = 512
TILE_COLUMNS = 2048
# One more than is asked for, so that a near-tie with the next candidate is decided exactly.
KEPT_ROWS = 3
KEPT_COLUMNS = 2
RANKED_ROWS = 1024
_BLOCK = 64


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


@kernel(
    array(float32, 2), array(float32, 1), int64, int64, int64, scratch(float32, 2),
    scratch(int32, 2),
)  # fmt: skip
def _update_rows(  # type: ignore[no-untyped-def]
    products, half_norms, column_start, start, stop, score, index
):
    """Merge a tile into the best of its rows [start, stop); a score is a.b - |b|^2 / 2."""
    n_columns = products.shape[1]
    n_kept = score.shape[1]
    values = np.empty(_BLOCK, np.float32)
    for row in range(start, stop):
        product = products[row]
        best = score[row]
        where = index[row]
        for block in range(0, n_columns, _BLOCK):
            n = min(_BLOCK, n_columns - block)
            worst = best[n_kept - 1]
            better = 0
            for i in range(n):
                value = product[block + i] - half_norms[block + i]
                values[i] = value
                better += value > worst
            if better == 0:
                continue
            for i in range(n):
                value = values[i]
                if value <= best[n_kept - 1]:
                    continue
                place = n_kept - 1
                while place > 0 and best[place - 1] < value:
                    best[place] = best[place - 1]
                    where[place] = where[place - 1]
                    place -= 1
                best[place] = value
                where[place] = column_start + block + i


@kernel(
    array(float32, 2), array(float32, 1), int64, int64, int64, scratch(float32, 2),
    scratch(int32, 2),
)  # fmt: skip
def _update_columns(  # type: ignore[no-untyped-def]
    products, half_norms, row_start, start, stop, score, index
):
    """Merge a tile into the two best of its columns [start, stop), stored one a row."""
    n = stop - start
    first = score[0, start:stop]
    second = score[1, start:stop]
    first_index = index[0, start:stop]
    second_index = index[1, start:stop]
    for row in range(products.shape[0]):
        product = products[row, start:stop]
        half_norm = half_norms[row]
        here = np.int32(row_start + row)
        for i in range(n):
            value = product[i] - half_norm
            best, runner = first[i], second[i]
            best_index = first_index[i]
            leads = value > best
            follows = value > runner
            second_index[i] = best_index if leads else (here if follows else second_index[i])
            second[i] = best if leads else (value if follows else runner)
            first_index[i] = here if leads else best_index
            first[i] = value if leads else best


@kernel(
    array(float32, 2), array(float32, 2), array(int32, 2), int64, int64, scratch(int32, 2),
    scratch(float64, 2),
)  # fmt: skip
def _rank(a, b, candidates, start, stop, index, distance):  # type: ignore[no-untyped-def]
    """The nearest of a row's candidates by exact distance, ties to the lower index."""
    n_out = index.shape[1]
    for row in range(start, stop):
        for k in range(n_out):
            index[row, k] = -1
            distance[row, k] = np.inf
        for candidate in candidates[row]:
            if candidate < 0:
                continue
            total = 0.0
            for j in range(a.shape[1]):
                difference = float64(a[row, j]) - float64(b[candidate, j])
                total += difference * difference
            place = n_out
            while place > 0 and (
                total < distance[row, place - 1]
                or (total == distance[row, place - 1] and candidate < index[row, place - 1])
            ):
                place -= 1
            if place == n_out:
                continue
            for k in range(n_out - 1, place, -1):
                distance[row, k] = distance[row, k - 1]
                index[row, k] = index[row, k - 1]
            distance[row, place] = total
            index[row, place] = candidate
        for k in range(n_out):
            distance[row, k] = np.sqrt(distance[row, k])


def _half_norms(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms: NDArray[np.float32] = np.einsum("ij,ij->i", descriptors, descriptors)
    return np.float32(0.5) * norms


class _Best(NamedTuple):
    """The best candidates so far of some queries; scores and the rows they belong to."""

    score: NDArray[np.float32]
    row: NDArray[np.int32]


def _nobody(shape: tuple[int, int]) -> _Best:
    return _Best(np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int32))


def _merge_tile(
    products: NDArray[np.float32],
    half_a: NDArray[np.float32],
    half_b: NDArray[np.float32],
    corner: tuple[int, int],
    of_rows: _Best,
    of_columns: _Best,
) -> None:
    """Update the best of a tile's rows, (n, kept), and of its columns, (kept, m)."""
    row, column = corner

    def rows(start: int, stop: int) -> None:
        _update_rows(products, half_b, column, start, stop, *of_rows)

    def columns(start: int, stop: int) -> None:
        _update_columns(products, half_a, row, start, stop, *of_columns)

    for_ranges(rows, products.shape[0], TILE_ROWS // 8)
    for_ranges(columns, products.shape[1], TILE_COLUMNS // 8)


def _ranked(
    a: NDArray[np.float32], b: NDArray[np.float32], candidates: NDArray[np.int32], n_kept: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    indices = np.empty((len(a), n_kept), np.int32)
    distance = np.empty((len(a), n_kept), np.float64)

    def task(start: int, stop: int) -> None:
        _rank(a, b, candidates, start, stop, indices, distance)

    for_ranges(task, len(a), RANKED_ROWS)
    return indices, distance


def nearest_two(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest:
    """Two nearest rows of `b` for each row of `a`, and the nearest row of `a` for each of `b`.

    Parameters
    ----------
    a, b : ndarray, (N, D) and (M, D) float32, C-contiguous

    Returns
    -------
    Nearest
        Memory beyond inputs and outputs: one tile of 512 x 2048 float32.
    """
    n, m = len(a), len(b)
    of_rows = _nobody((n, KEPT_ROWS))
    of_columns = _nobody((KEPT_COLUMNS, m))
    half_a, half_b = _half_norms(a), _half_norms(b)
    buffer = np.empty(min(n, TILE_ROWS) * min(m, TILE_COLUMNS), np.float32)
    for column in range(0, m, TILE_COLUMNS):
        columns = slice(column, min(column + TILE_COLUMNS, m))
        tile_b = b[columns]
        # A contiguous copy for the kernel, written back when the tile column is done.
        best_columns = _Best(
            np.ascontiguousarray(of_columns.score[:, columns]),
            np.ascontiguousarray(of_columns.row[:, columns]),
        )
        for row in range(0, n, TILE_ROWS):
            rows = slice(row, min(row + TILE_ROWS, n))
            shape = (rows.stop - row, columns.stop - column)
            products = buffer[: shape[0] * shape[1]].reshape(shape)
            np.matmul(a[rows], tile_b.T, out=products)
            best_rows = _Best(of_rows.score[rows], of_rows.row[rows])
            _merge_tile(
                products, half_a[rows], half_b[columns], (row, column), best_rows, best_columns
            )
        of_columns.score[:, columns] = best_columns.score
        of_columns.row[:, columns] = best_columns.row
    indices, distance = _ranked(a, b, of_rows.row, 2)
    back, _ = _ranked(b, a, np.ascontiguousarray(of_columns.row.T), 1)
    return Nearest(indices, distance, back[:, 0])
