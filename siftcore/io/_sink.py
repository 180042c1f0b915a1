"""A file that HDF5 may write to without ever being told of an error."""

from __future__ import annotations

import io
import os
from types import TracebackType

__all__ = ["ErrorKeepingFile"]


class ErrorKeepingFile:
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
        self._file = io.FileIO(path, "r+")
        self._error: BaseException | None = None

    def __enter__(self) -> ErrorKeepingFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def raise_error(self) -> None:
        """Raise what went wrong in an earlier call, if anything did."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`, or keep the error and drop it."""
        rest = memoryview(data)
        try:
            while self._error is None and len(rest):
                rest = rest[self._file.write(rest) :]
        except BaseException as error:  # an interrupt must not unwind through the C library
            self._error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Set the length, or keep the error."""
        try:
            if self._error is None:
                return self._file.truncate(size)
        except BaseException as error:
            self._error = error
        return size or 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes: h5py takes an object with `read` and `seek` for a file."""
        return self._file.read(size) or b""

    def readinto(self, buffer: memoryview) -> int:
        """Read into `buffer`."""
        return self._file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is buffered."""
