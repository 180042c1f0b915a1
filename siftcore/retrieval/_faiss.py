"""FAISS: its import, its threads, and the structures that are built with it."""

from __future__ import annotations

import errno
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import MissingDependencyError, OutputError
from siftcore.retrieval.settings import Kind

__all__ = [
    "DIMENSION",
    "cells_for",
    "import_faiss",
    "make_structure",
    "trained_on",
    "with_threads",
    "write_structure",
]

DIMENSION = 128
# As for matching: cells per square root of the number of descriptors, and descriptors per cell that
# k-means is trained on.
_CELLS_PER_ROOT, _TRAINED_ON = 4.0, 40
# Product quantisation: codes of 8 bits, and FAISS's least number of descriptors to learn them from.
_CODES, _CODE_BITS = 32, 8
_PQ_TRAINED_ON = 39 * 2**_CODE_BITS
# Of the k-means that learns them; FAISS's 25 take longer than all the rest.
_PQ_ROUNDS = 8


def import_faiss() -> Any:
    """The module, or `MissingDependencyError`."""
    try:
        return importlib.import_module("faiss")
    except ImportError:
        raise MissingDependencyError("faiss", "retrieval", "faiss") from None


@contextmanager
def with_threads() -> Iterator[Any]:
    """FAISS with as many threads as siftcore's kernels; its own setting comes back afterwards."""
    from siftcore.kernels._threads import thread_count

    faiss = import_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(thread_count())
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)


def cells_for(n_descriptors: int) -> int:
    """Cells of an inverted file."""
    return max(1, int(min(_CELLS_PER_ROOT * n_descriptors**0.5, n_descriptors / _TRAINED_ON)))


def trained_on(kind: Kind, n_descriptors: int) -> int:
    """How many descriptors the structure has to be trained on; none if it needs no training."""
    if kind == "flat":
        return 0
    wanted = cells_for(n_descriptors) * _TRAINED_ON
    if kind == "ivf-pq":
        wanted = max(wanted, _PQ_TRAINED_ON)
    return min(wanted, n_descriptors)


def make_structure(
    kind: Kind, n_descriptors: int, sample: NDArray[np.float32], probes: int
) -> tuple[Any, Kind]:
    """An empty structure, trained on `sample`, and the kind that it is.

    Too few descriptors to train on give a flat one, which is exact.
    """
    with with_threads() as faiss:
        too_few = kind == "ivf-pq" and len(sample) < _PQ_TRAINED_ON
        if kind == "flat" or len(sample) < _TRAINED_ON or too_few:
            return faiss.IndexFlatL2(DIMENSION), "flat"
        cells = cells_for(n_descriptors)
        centres = faiss.IndexFlatL2(DIMENSION)
        if kind == "ivf-sq8":
            eight_bits = faiss.ScalarQuantizer.QT_8bit
            index = faiss.IndexIVFScalarQuantizer(centres, DIMENSION, cells, eight_bits)
        else:
            index = faiss.IndexIVFPQ(centres, DIMENSION, cells, _CODES, _CODE_BITS)
            index.pq.cp.niter = _PQ_ROUNDS
        index.train(sample)
        index.nprobe = probes
        return index, kind


def write_structure(structure: Any, path: Path) -> None:
    """Write what FAISS made; an error of the system is an `OSError`, as everywhere else."""
    try:
        import_faiss().write_index(structure, os.fspath(path))
    except RuntimeError as error:
        # FAISS gives only the system's words, in brackets at the end.
        for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO):
            if f"({os.strerror(number)})" in str(error):
                raise OSError(number, os.strerror(number), os.fspath(path)) from error
        reason = "free some space, or write to another disk"
        raise OutputError(f"FAISS cannot write {str(path.parent)!r}: {reason}") from error
