"""Nearest descriptors of very large sets, nearly all of them right, through FAISS.

An inverted file (Jegou, Douze & Schmid 2011): the descriptors are put into cells around the centres
that k-means finds, and a query is compared with those of the cells nearest to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import MissingDependencyError
from siftcore.forking import needs_one_thread
from siftcore.kernels._distances import Nearest, ranked
from siftcore.kernels._threads import thread_count

__all__ = ["nearest_two_approximately"]

# Cells, times the root of the number of descriptors; FAISS's own advice is 4 to 16.
_CELLS_PER_ROOT = 4.0
# k-means: descriptors a cell, and rounds. More of either hardly changed what is found.
_TRAINED_ON, _ROUNDS = 40, 6
# Cells that are searched; sets of fewer than `_SMALL` are searched exactly.
_SEARCHED = 16
_SMALL = 10_000
# One more than is asked for: FAISS sums in float32, and a near-tie with it is decided exactly.
_KEPT_ROWS, _KEPT_COLUMNS = 3, 2


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingDependencyError("faiss", "approximate matching", "faiss") from None
    return faiss


def _indices(faiss: Any, a: NDArray[np.float32], b: NDArray[np.float32]) -> list[Any]:
    """An index of either set; the cells are those of the larger one."""
    length = a.shape[1]
    larger = max(a, b, key=len)
    if len(larger) < _SMALL:
        return [_filled(faiss.IndexFlatL2(length), part) for part in (a, b)]
    cells = int(min(_CELLS_PER_ROOT * len(larger) ** 0.5, len(larger) / _TRAINED_ON))
    chosen = np.random.default_rng(0).permutation(len(larger))[: cells * _TRAINED_ON]
    means = faiss.Kmeans(length, cells, niter=_ROUNDS, seed=0)
    means.train(larger[chosen])
    found = []
    for part in (a, b):
        index = faiss.IndexIVFFlat(means.index, length, cells)
        index.own_fields = False
        index.nprobe = _SEARCHED
        # The cells are there already.
        index.train(larger[:cells])
        found.append(_filled(index, part))
    return found


def _filled(index: Any, descriptors: NDArray[np.float32]) -> Any:
    index.add(descriptors)
    return index


def nearest_two_approximately(a: NDArray[np.float32], b: NDArray[np.float32]) -> Nearest:
    """As `siftcore.kernels.nearest.nearest_two`, some of them wrong.

    Parameters
    ----------
    a, b : ndarray, (N, 128) and (M, 128) float32, C-contiguous
        Two sets of fewer than ten thousand are searched exactly.

    Returns
    -------
    Nearest
        Distances are exact; a nearest may be one that is a little further away.

    Raises
    ------
    MissingDependencyError
        Without FAISS.
    """
    faiss = _faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if needs_one_thread() else thread_count())
    try:
        of_a, of_b = _indices(faiss, a, b)
        _, rows = of_b.search(a, _KEPT_ROWS)
        _, columns = of_a.search(b, _KEPT_COLUMNS)
    finally:
        faiss.omp_set_num_threads(before)
    indices, distance = ranked(a, b, np.ascontiguousarray(rows, np.int32), 2)
    back, _ = ranked(b, a, np.ascontiguousarray(columns, np.int32), 1)
    return Nearest(indices, distance, back[:, 0])
