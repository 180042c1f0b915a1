"""Linear doubling of the image: the classical first octave.

Source: Lowe 2004, section 3.3; Otero & Delbracio 2014, algorithm 2.

Sample (i, j) of the result lies at (i / 2, j / 2) of the input; past the last pixel the edge sample
is repeated.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int64
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch
from siftcore.kernels._threads import for_ranges

__all__ = ["double_linearly"]

CHUNK = 64
_HALF = np.float32(0.5)


@kernel(array(float32, 2), int64, int64, scratch(float32, 2))
def _double(image, y_start, y_stop, out):  # type: ignore[no-untyped-def]
    height, width = image.shape
    between = np.empty(width, np.float32)
    for y in range(y_start, y_stop):
        row = image[y]
        below = image[min(y + 1, height - 1)]
        even = out[2 * y]
        odd = out[2 * y + 1]
        for x in range(width):
            between[x] = _HALF * (row[x] + below[x])
        for x in range(width - 1):
            even[2 * x] = row[x]
            even[2 * x + 1] = _HALF * (row[x] + row[x + 1])
            odd[2 * x] = between[x]
            odd[2 * x + 1] = _HALF * (between[x] + between[x + 1])
        even[2 * width - 2] = row[width - 1]
        even[2 * width - 1] = row[width - 1]
        odd[2 * width - 2] = between[width - 1]
        odd[2 * width - 1] = between[width - 1]


def double_linearly(
    image: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """The image at twice its sampling density.

    Parameters
    ----------
    image : ndarray, (H, W) float32, C-contiguous
    out : ndarray, (2 H, 2 W) float32, C-contiguous, optional
        Where to write.

    Returns
    -------
    ndarray, (2 H, 2 W) float32
        `out`.
    """
    height, width = image.shape
    doubled = np.empty((2 * height, 2 * width), np.float32) if out is None else out

    def task(start: int, stop: int) -> None:
        _double(image, start, stop, doubled)

    for_ranges(task, height, CHUNK, doubled.size)
    return doubled
