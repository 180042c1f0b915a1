"""HDF5 files: new ones, whole or not at all, and those to read, which may be damaged."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from siftcore._stopping import InterruptsWait
from siftcore.errors import InputError, MissingDependencyError
from siftcore.io._sink import ErrorKeepingFile
from siftcore.io.atomic import atomic_write
from siftcore.io.regular import why_not_a_file

__all__ = ["create_hdf5", "open_hdf5", "read_array"]

# Bytes of a data set per byte of its file. Deflate reaches 1032; a damaged shape says more.
_MOST_EXPANSION = 2048


@contextmanager
def create_hdf5(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A new file that appears when all is in it, and what raises an error of writing it.

    HDF5 is not told of errors, so that is to be called now and then.
    """
    h5py = _import_h5py()
    with atomic_write(path) as temporary, ErrorKeepingFile(temporary) as sink:
        file = None
        try:
            # Interrupted while h5py opens or closes it, the file would stay open until after the
            # interpreter's end, and HDF5 then calls into what is no longer there.
            with InterruptsWait():
                # The oldest format that holds the data, so that any HDF5 since 1.8 reads it.
                file = h5py.File(sink, "w", libver="earliest")
            yield file, sink.raise_error
        finally:
            if file is not None:
                with InterruptsWait():
                    file.close()
        sink.raise_error()


@contextmanager
def open_hdf5(path: str | os.PathLike[str], contents: str, program: str) -> Iterator[Any]:
    """The file, open to be read; whatever goes wrong with it is an `InputError`.

    Parameters
    ----------
    path : str or path-like
    contents, program : str
        What should be in it, and whose layout that has: ``"features"``, ``"hloc"``.
    """
    h5py = _import_h5py()
    cannot = f"cannot read {contents} from {os.fspath(path)!r}"
    try:
        if reason := why_not_a_file(path):
            raise OSError(reason)
        with h5py.File(path, "r") as file:
            yield file
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{cannot}: no such file") from error
    # The shapes, types and links of a damaged file lead to errors of every kind.
    except Exception as error:
        raise InputError(
            f"{cannot}: not an HDF5 file of {contents} in {program}'s layout, or a damaged one; "
            f"write it again ({error})"
        ) from error


def _import_h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise MissingDependencyError("h5py", "reading and writing HDF5", "h5") from error


def read_array(dataset: Any) -> np.ndarray[Any, Any]:
    """All of a data set, unless it is larger than its file can hold.

    HDF5 gives a data set that was never filled as zeros, of whatever shape the file says.
    """
    if not hasattr(dataset, "shape") or dataset.shape is None:
        raise ValueError(f"{dataset!r} is not an array")
    if dataset.dtype.kind not in "buif":
        raise TypeError(f"{dataset.name!r} must be numbers; it is of {dataset.dtype}")
    held = os.path.getsize(dataset.file.filename)
    if dataset.size * dataset.dtype.itemsize > _MOST_EXPANSION * held:
        raise ValueError(f"{dataset.name!r} has the shape {dataset.shape}, more than {held} bytes")
    return np.asarray(dataset[()])
