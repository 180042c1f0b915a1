"""The nearest descriptors, with estimates from products of floats.

The estimate is a.b - |a|^2 / 2 - |b|^2 / 2, minus half the squared distance, summed in float32. Of
a sum of n products, in whatever order, the error is at most about n times that of one rounding
(Higham 2002, section 3.1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float32, float64, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._blocks import FLOATS
from siftcore.kernels._distances import Nearest
from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._ranges import nearest_of
from siftcore.kernels._tiles import PANELS, packed, searching, tile_function

__all__ = ["nearest_two_by_floats"]

_NEVER = np.float32(-np.inf)
# Of a rounding to float32, with a little more for the products of errors; and the smallest number
# that is not rounded more than that.
_ROUNDING, _SMALLEST = 2.0**-24 * 1.01, 2.0**-126
# The least is a float32 too, and may have been rounded up by this.
_LEAST_ROUNDING = 2.0**-22


class _Sets(NamedTuple):
    a: Any
    b: Any
    left: Any
    less: Any
    length: int
    panels: Any
    start: Any
    never: Any
    error: float


@tile_function
def _nearness(row, column, top, sets):  # type: ignore[no-untyped-def]
    # Estimates are as good as exact: nearly all of a group that gets here are the nearest.
    return top if row < sets.a.shape[0] and column < sets.b.shape[0] else sets.never


@tile_function
def _least(squared, sets):  # type: ignore[no-untyped-def]
    return float32((-0.5 * squared - sets.error) * (1.0 + _LEAST_ROUNDING))


_search_range = searching(FLOATS, _nearness, _least)


@kernel(
    array(float32, 2), array(float32, 2), array(float32, 2), array(float32, 1), array(float32, 1),
    array(float32, 1), float64, int64, int64, scratch(int32, 2), scratch(float64, 2),
    scratch(int32, 1), scratch(float64, 1), returns=boolean,
)  # fmt: skip
def _search(  # type: ignore[no-untyped-def]
    a, b, left, less, panels, start, error, first, last, index, distance, back, back_distance
):
    length = left.shape[1]
    sets = _Sets(a, b, left.reshape(-1), less, length, panels, start, _NEVER, error)
    return _search_range(sets, first, last, np.inf, 0.0, index, distance, back, back_distance)


def _filled(rows: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    missing = -len(rows) % multiple
    return np.concatenate([rows, np.zeros((missing, *rows.shape[1:]), np.float32)])


def _half_norms(rows: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Half the squared norms, infinite for what fills up to n."""
    halves = np.full(n, np.inf, np.float32)
    halves[: len(rows)] = 0.5 * np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return halves


def nearest_two_by_floats(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest:
    """As `siftcore.kernels.nearest.nearest_two`, with N, M > 0."""
    left, right = _filled(a, FLOATS.rows), _filled(b, PANELS * FLOATS.columns)
    less, start = _half_norms(a, len(left)), -_half_norms(b, len(right))
    panels = packed(right.view(np.int32), FLOATS).view(np.float32)
    # The products are at most the sum of both halves; four roundings more are those of the start.
    largest = float(less[: len(a)].max()) - float(start[: len(b)].min())
    error = (a.shape[1] + 4) * (2.0 * _ROUNDING * largest + _SMALLEST)

    def search(*range_and_results: Any) -> bool:
        found: bool = _search(a, b, left, less, panels, start, error, *range_and_results)
        return found

    found = nearest_of(search, len(a), len(b))
    assert found is not None, "it does not give up"
    return found
