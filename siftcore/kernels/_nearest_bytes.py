"""The nearest descriptors, with estimates from products of bytes.

Both sets are rounded to bytes on one scale. By the triangle inequality the distance of two rounded
descriptors is off by no more than the rounding moved both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float32, float64, int32, int64
from numpy.typing import NDArray

from siftcore.kernels._blocks import BYTES
from siftcore.kernels._byte_products import byte_product
from siftcore.kernels._bytes import FAR, Scale, signed, unsigned
from siftcore.kernels._distances import Nearest
from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._ranges import nearest_of
from siftcore.kernels._tiles import searching, tile_function

__all__ = ["LONGEST", "nearest_two_by_bytes"]

# Nearness of longer rows would come close to what fills up blocks.
LONGEST = 4096
# Below every nearness of descriptors.
_LEAST, _NEVER = -FAR // 2, -(2**31)
# Where more is spent than these products for each descriptor and this share of all of them, the
# bytes do not tell the descriptors apart.
_FOR_EACH, _SHARE = 64.0, 0.125


class _Sets(NamedTuple):
    a: Any
    b: Any
    left: Any
    less: Any
    length: int
    panels: Any
    start: Any
    never: Any
    bytes_b: Any
    step: float
    slack: float


@tile_function
def _nearness(row, column, top, sets):  # type: ignore[no-untyped-def]
    at_a, at_b = row * sets.length, column * sets.length
    product = byte_product(sets.bytes_b, at_b, sets.left, at_a, sets.length)
    return int32(product + sets.start[column] - sets.less[row])


@tile_function
def _least(squared, sets):  # type: ignore[no-untyped-def]
    # Both halves of squared norms were rounded down.
    steps = (np.sqrt(squared) + sets.slack) / sets.step * (1.0 + 1e-9)
    return int32(max(-0.5 * steps * steps - 1.0, _LEAST))


_search_range = searching(BYTES, _nearness, _least)


@kernel(
    array(float32, 2), array(float32, 2), array(int32, 2), array(int32, 1), array(int32, 2),
    array(int32, 1), array(int32, 1), float64, float64, int64, int64, scratch(int32, 2),
    scratch(float64, 2), scratch(int32, 1), scratch(float64, 1), returns=boolean,
)  # fmt: skip
def _search(  # type: ignore[no-untyped-def]
    a, b, words_a, less, words_b, panels, start, step, slack, first, last, index, distance, back,
    back_distance,
):  # fmt: skip
    sets = _Sets(
        a, b, words_a.reshape(-1), less, words_a.shape[1], panels, start, int32(_NEVER),
        words_b.reshape(-1), step, slack,
    )  # fmt: skip
    return _search_range(sets, first, last, _FOR_EACH, _SHARE, index, distance, back, back_distance)


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
    of_a, of_b = signed(a, scale), unsigned(b, scale)
    slack = of_a.error + of_b.error

    def search(*range_and_results: Any) -> bool:
        found: bool = _search(
            a, b, of_a.words, of_a.less, of_b.words, of_b.panels, of_b.start, scale.step, slack,
            *range_and_results,
        )  # fmt: skip
        return found

    return nearest_of(search, len(a), len(b))
