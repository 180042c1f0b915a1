"""The nearest and second-nearest descriptors of two sets, exactly and in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siftcore.kernels._blocks import has_byte_products
from siftcore.kernels._distances import Nearest
from siftcore.kernels._nearest_floats import nearest_two_by_floats

# A kernel is compiled where it is defined, and this one is not of use to all processors.
if has_byte_products():
    from siftcore.kernels._nearest_bytes import LONGEST, nearest_two_by_bytes

__all__ = ["Nearest", "nearest_two"]


def nearest_two(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest:
    """Two nearest rows of `b` for each row of `a`, and the nearest row of `a` for each of `b`.

    Parameters
    ----------
    a, b : ndarray, (N, D) and (M, D) float32, C-contiguous
        N, M > 0.

    Returns
    -------
    Nearest
        Distances are taken from the differences, in float64; of equal ones, the lower row comes
        first.

    Notes
    -----
    Memory beyond inputs and outputs is linear in N and M.
    """
    found = None
    if has_byte_products() and a.shape[1] <= LONGEST:
        found = nearest_two_by_bytes(a, b)
    return nearest_two_by_floats(a, b) if found is None else found
