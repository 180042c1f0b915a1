"""Reading HDF5 files that may be damaged, or not be HDF5 at all."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from siftcore.errors import InputError, MissingDependencyError
from siftcore.io.regular import why_not_a_file

__all__ = ["import_h5py", "open_hdf5", "read_array"]

# A data set's bytes for a byte of its file. Deflate reaches 1032; a damaged shape says more.
_MOST_EXPANSION = 2048


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The file, open to be read; whatever goes wrong with it is an `InputError`."""
    h5py = import_h5py()
    try:
        if reason := why_not_a_file(path):
            raise OSError(reason)
        with h5py.File(path, "r") as file:
            yield file
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"cannot read features from {os.fspath(path)!r}: no such file") from error
    # The shapes, types and links of a damaged file lead to errors of every kind.
    except Exception as error:
        raise InputError(
            f"cannot read features from {os.fspath(path)!r}: not an HDF5 feature file, or a "
            f"damaged one; write it anew ({error})"
        ) from error


def import_h5py() -> Any:
    """The module, or `MissingDependencyError`."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise MissingDependencyError("h5py", "reading and writing HDF5", "h5") from error


def read_array(dataset: Any) -> np.ndarray[Any, Any]:
    """All of a data set, unless it is larger than its file can hold.

    HDF5 gives a data set that was never filled as zeros, of whatever shape the file says.
    """
    if not hasattr(dataset, "shape") or dataset.shape is None:
        raise ValueError(f"{dataset!r} is no array")
    if dataset.dtype.kind not in "buif":
        raise TypeError(f"{dataset.name!r} must be numbers; it is of {dataset.dtype}")
    held = os.path.getsize(dataset.file.filename)
    if dataset.size * dataset.dtype.itemsize > _MOST_EXPANSION * held:
        raise ValueError(f"{dataset.name!r} has the shape {dataset.shape}, more than {held} bytes")
    return np.asarray(dataset[()])
