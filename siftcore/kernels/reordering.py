"""Putting the rows of a large array in order without a second one."""

from __future__ import annotations

import numpy as np
from numba import float32, int64
from numpy.typing import NDArray

from siftcore.kernels._jit import array, kernel, scratch

__all__ = ["reorder_rows"]


@kernel(scratch(float32, 2), array(int64, 1))
def _reorder(rows, places):  # type: ignore[no-untyped-def]
    done = np.zeros(places.shape[0], np.uint8)
    held = np.empty(rows.shape[1], np.float32)
    for start in range(places.shape[0]):
        if done[start]:
            continue
        # Around one cycle: each row is taken from where the next one goes.
        held[:] = rows[start]
        here = start
        while True:
            done[here] = 1
            source = places[here]
            if source == start:
                rows[here] = held
                break
            rows[here] = rows[source]
            here = source


def reorder_rows(rows: NDArray[np.float32], places: NDArray[np.intp]) -> None:
    """``rows[:] = rows[places]``, in place.

    Parameters
    ----------
    rows : ndarray, (N, D) float32, C-contiguous
        Changed.
    places : ndarray, (N,) intp
        Each row once.
    """
    _reorder(rows, places.astype(np.int64, copy=False))
