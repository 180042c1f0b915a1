"""All ranges of rows, on several threads, and the nearest rows of columns that they share."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from siftcore.kernels._distances import Nearest
from siftcore.kernels._threads import for_ranges

__all__ = ["CHUNK", "nearest_of"]

# Rows a range: whole blocks of any kind.
CHUNK = 504
_NOBODY = np.iinfo(np.int32).max


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


def nearest_of(search: Callable[..., bool], n: int, m: int) -> Nearest | None:
    """What a kernel finds for all ranges of n rows, against m columns.

    Parameters
    ----------
    search : kernel
        Of the first row, the one after the last, and what it writes: indices (n, 2) int32, squared
        distances (n, 2) float64, the nearest row of columns (m,) int32, where it is nearer than
        their squared distances (m,) float64 said, which it lowers. False where it gave up.
    n, m : int
        Not 0.

    Returns
    -------
    Nearest or None
        None where it gave up.
    """
    indices = np.full((n, 2), -1, np.int32)
    squared = np.full((n, 2), np.inf)
    back = _Back(m)
    given_up = threading.Event()

    def task(start: int, stop: int) -> None:
        if given_up.is_set():
            return
        row, limits = np.full(m, _NOBODY, np.int32), back.limits()
        if not search(start, stop, indices, squared, row, limits):
            given_up.set()
        back.merge(row, limits)

    for_ranges(task, n, CHUNK)
    return None if given_up.is_set() else Nearest(indices, np.sqrt(squared), back.row)
