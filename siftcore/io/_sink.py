"""A file that HDF5 may write to without ever being told of an error."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["ErrorKeepingFile"]


class ErrorKeepingFile(io.FileIO):
    """A binary file whose first failure is kept, to be raised outside the HDF5 library.

    When a disk is full, HDF5 cannot close its file: h5py then prints tracebacks from destructors
    and the process may end with a segmentation fault, its half-written file left behind. Here
    every later write is dropped instead, the library closes in peace, and the caller raises.

    Parameters
    ----------
    path : str or path-like
        An existing file, written from its beginning.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path), "r+")
        self._error: BaseException | None = None

    def raise_error(self) -> None:
        """Raise what went wrong in an earlier call, if anything did."""
        if self._error is not None:
            raise self._error

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of `data`, or keep the error and drop it."""
        rest = memoryview(data)
        size = len(rest)
        try:
            while self._error is None and len(rest):
                rest = rest[super().write(rest) :]
        except BaseException as error:  # an interrupt must not unwind through the C library
            self._error = error
        return size

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, or keep the error."""
        try:
            if self._error is None:
                return super().truncate(size)
        except BaseException as error:
            self._error = error
        return size or 0

    # A stop may close this file before HDF5 closes its own, which it then does when the process
    # ends and nobody can take an error.
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, or keep the error."""
        try:
            return super().seek(offset, whence)
        except BaseException as error:
            self._error = self._error or error
        return offset

    def flush(self) -> None:
        """Do nothing, as there is no buffer; on a closed file too."""
