"""The nearest descriptors by products of floats, the best few decided by exact distances.

Squared distances come from a matrix product, one block at a time; a block updates the best of its
rows and of its columns while it is in the first cache, so that both directions take one pass. The
product's float32 rounding may reorder near-ties, so a few candidates more than needed are kept and
their distances taken again from the differences, in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, int32, int64, njit
from numpy.typing import NDArray

from siftcore.kernels._distances import Nearest, ranked
from siftcore.kernels._jit import FASTMATH, array, kernel, scratch
from siftcore.kernels._products import (
    COLUMNS,
    LANES,
    ROWS,
    multiply_block,
    update_columns,
    update_rows,
)
from siftcore.kernels._threads import for_ranges

__all__ = ["CHUNK", "KEPT_COLUMNS", "KEPT_ROWS", "WAVE", "nearest_two_by_floats"]

# Rows a range, whole blocks for each value of `ROWS`; and columns that all ranges go through before
# the next.
CHUNK = 1032
WAVE = 4096
# One more than is asked for, so that a near-tie with the next candidate is decided exactly.
KEPT_ROWS = 3
KEPT_COLUMNS = 2
# Candidates of a row within a wave: two for each lane.
_OF_ROW = 2 * LANES


@njit(nogil=True, error_model="numpy", fastmath=FASTMATH)
def _insert(value, place, best, where):  # type: ignore[no-untyped-def]
    """Sort a value into the best, the largest first, of equal ones the lowest place."""
    last = best.shape[0] - 1
    if not (value > best[last] or (value == best[last] and place < where[last])):
        return
    while last > 0 and (
        best[last - 1] < value or (best[last - 1] == value and where[last - 1] > place)
    ):
        best[last] = best[last - 1]
        where[last] = where[last - 1]
        last -= 1
    best[last] = value
    where[last] = place


@kernel(
    array(float32, 2), array(float32, 1), array(float32, 2), array(float32, 1), int64, int64, int64,
    scratch(float32, 2), scratch(int32, 2), scratch(float32, 2), scratch(int32, 2),
)  # fmt: skip
def _search(  # type: ignore[no-untyped-def]
    a, half_a, b, half_b, n_rows, first_row, first_column,
    row_score, row_index, column_score, column_index,
):  # fmt: skip
    """Products of all rows, of which `n_rows` count, with all columns into the best of both.

    A score is a.b - |b|^2 / 2 for a row and a.b - |a|^2 / 2 for a column.
    """
    n_columns, length = b.shape
    rows = a.reshape(-1)
    panel = np.empty(length * COLUMNS, np.float32)
    products = np.empty(ROWS * COLUMNS, np.float32)
    # Columns past the last one are below every floor.
    take_off = np.empty(COLUMNS, np.float32)
    column_best = np.empty(2 * COLUMNS, np.float32)
    column_owner = np.empty(2 * COLUMNS, np.int32)
    row_best = np.full(a.shape[0] * _OF_ROW, -np.inf, np.float32)
    row_owner = np.full(a.shape[0] * _OF_ROW, -1, np.int32)
    for column in range(0, n_columns, COLUMNS):
        n = min(COLUMNS, n_columns - column)
        take_off[:] = np.inf
        take_off[:n] = half_b[column : column + n]
        column_best[:] = -np.inf
        column_owner[:] = -1
        for j in range(COLUMNS):
            one = b[column + min(j, n - 1)]
            for k in range(length):
                panel[k * COLUMNS + j] = one[k]
        for row in range(0, n_rows, ROWS):
            multiply_block(rows, row * length, length, panel, products)
            update_columns(
                products, half_a, row, np.int32(first_row + row), column_best, column_owner
            )
            update_rows(
                products, take_off, np.int32(first_column + column), row_best, row_owner,
                row * _OF_ROW,
            )  # fmt: skip
        for k in range(KEPT_COLUMNS):
            column_score[column : column + n, k] = column_best[k * COLUMNS : k * COLUMNS + n]
            column_index[column : column + n, k] = column_owner[k * COLUMNS : k * COLUMNS + n]
    for row in range(n_rows):
        for i in range(row * _OF_ROW, (row + 1) * _OF_ROW):
            _insert(row_best[i], row_owner[i], row_score[row], row_index[row])


def _half_norms(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms: NDArray[np.float32] = np.einsum("ij,ij->i", descriptors, descriptors)
    return np.float32(0.5) * norms


class _Best(NamedTuple):
    """The best candidates so far of some queries, one a row: scores and whose they are."""

    score: NDArray[np.float32]
    place: NDArray[np.int32]

    @classmethod
    def nobody(cls, n: int, kept: int) -> _Best:
        return cls(np.full((n, kept), -np.inf, np.float32), np.full((n, kept), -1, np.int32))

    def part(self, start: int, stop: int) -> _Best:
        return _Best(self.score[start:stop], self.place[start:stop])

    def merge(self, others: _Best) -> None:
        """Of two each, take over what is better in `others`; what is as good stays."""
        leads = others.score[:, 0] > self.score[:, 0]
        # The two that are not the best, and the one of them that is from the same pair as the best.
        first = [np.where(leads, o[:, 0], s[:, 0]) for o, s in zip(others, self, strict=True)]
        beaten = [np.where(leads, s[:, 0], o[:, 0]) for o, s in zip(others, self, strict=True)]
        behind = [np.where(leads, o[:, 1], s[:, 1]) for o, s in zip(others, self, strict=True)]
        follows = behind[0] >= beaten[0]
        for column, one, other, out in zip(first, behind, beaten, self, strict=True):
            out[:, 0] = column
            out[:, 1] = np.where(follows, one, other)


def nearest_two_by_floats(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest:
    """Two nearest rows of `b` for each row of `a`, and the nearest row of `a` for each of `b`.

    Parameters
    ----------
    a, b : ndarray, (N, D) and (M, D) float32, C-contiguous

    Returns
    -------
    Nearest
        Memory beyond inputs and outputs: 64 KiB for every `CHUNK` rows of `a`, and a copy of the
        last of them.
    """
    n, m = len(a), len(b)
    of_rows = _Best.nobody(n, KEPT_ROWS)
    of_columns = _Best.nobody(m, KEPT_COLUMNS)
    half_a, half_b = _half_norms(a), _half_norms(b)
    for first in range(0, m, WAVE):
        last = min(first + WAVE, m)

        def search(start: int, stop: int, first: int = first, last: int = last) -> _Best:
            columns = _Best.nobody(last - first, KEPT_COLUMNS)
            rows = of_rows.part(start, stop)
            _search(
                _whole_blocks(a[start:stop], 0.0), _whole_blocks(half_a[start:stop], np.inf),
                b[first:last], half_b[first:last], stop - start, start, first, *rows, *columns,
            )  # fmt: skip
            return columns

        for columns in for_ranges(search, n, CHUNK):
            of_columns.part(first, last).merge(columns)
    indices, distance = ranked(a, b, of_rows.place, 2)
    back, _ = ranked(b, a, of_columns.place, 1)
    return Nearest(indices, distance, back[:, 0])


def _whole_blocks(rows: NDArray[np.float32], filling: float) -> NDArray[np.float32]:
    missing = -len(rows) % ROWS
    if not missing:
        return rows
    more = np.full((missing, *rows.shape[1:]), filling, np.float32)
    return np.concatenate([rows, more])
