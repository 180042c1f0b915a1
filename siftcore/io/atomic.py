"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from siftcore.errors import OutputError
from siftcore.io.temporaries import temporary_beside

__all__ = ["atomic_write", "check_writable"]

_ADVICE = {
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some of your quota, or write to another disk",
    errno.EFBIG: "raise the limit (ulimit -f), or write to a file system that takes large files",
    errno.EROFS: "choose a folder that is not on a read-only file system",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fail now if `path` cannot be written later: call it before the long work.

    A file is made in the destination's folder and deleted again, which tests what `atomic_write`
    will do. An existing file at `path` stays as it is. A disk that is full later is not foreseen.

    Parameters
    ----------
    path : str or path-like
        Where a file is to be written.

    Raises
    ------
    OutputError
        When the folder is missing or not writable, or `path` is a folder or a special file.

    Examples
    --------
    >>> check_writable("no-such-folder/features.h5")
    Traceback (most recent call last):
    ...
    siftcore.errors.OutputError: cannot write 'no-such-folder/features.h5': the folder \
'no-such-folder' does not exist; make it first
    """
    target = _real_target(path)
    try:
        with temporary_beside(target):
            pass
    except OSError as error:
        raise _output_error(path, error) from error


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to write to; it takes the name `path` when the block ends well.

    The temporary file is empty and lies in the folder of `path`, so that the renaming is one step
    of the file system: a reader sees the old file or the new one, never a part. When the block
    raises, or is interrupted, the temporary file is deleted and `path` stays as it was. After a
    kill, the next process that writes into that folder deletes it. A link at
    `path` is followed, and the permissions of a file that is replaced are kept.

    Parameters
    ----------
    path : str or path-like
        Where the file is to be in the end.

    Yields
    ------
    pathlib.Path
        The temporary file. Its name has no meaningful suffix: name the format when saving.

    Raises
    ------
    OutputError
        When the folder is missing or not writable, `path` is a folder or a special file, or the
        system refuses a write (a full disk). An `OSError` about another file passes unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/points.txt") as temporary:
    ...         _ = temporary.write_text("1 2")
    ...     Path(folder, "points.txt").read_text()
    '1 2'
    """
    target = _real_target(path)
    temporary = None
    try:
        with temporary_beside(target) as temporary:
            yield temporary
            _flush_to_disk(temporary)
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
    except OSError as error:
        ours = temporary is None or error.filename in (None, os.fspath(temporary))
        if not ours:
            raise
        raise _output_error(path, error) from error


def _real_target(path: str | os.PathLike[str]) -> Path:
    """The file behind `path`, links followed; raises `OutputError` unless it could be replaced."""
    shown = os.fspath(path)
    if not shown:
        raise OutputError("cannot write to an empty path; give the name of a file")
    try:
        target = Path(os.path.realpath(shown))
        # Of the path itself: what /dev/stdout leads to need have no name.
        mode = os.stat(shown).st_mode
    except FileNotFoundError:
        parent = target.parent
        if parent.exists():
            return target
        folder = os.path.dirname(shown) or os.fspath(parent)
        raise OutputError(
            f"cannot write {shown!r}: the folder {folder!r} does not exist; make it first"
        ) from None
    except NotADirectoryError as error:
        raise OutputError(
            f"cannot write {shown!r}: a part of that path is a file, not a folder; "
            "choose another place"
        ) from error
    except ValueError as error:
        raise OutputError(f"cannot write {shown!r}: {error}; choose another name") from error
    except OSError as error:
        raise _output_error(path, error) from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"cannot write {shown!r}: it is a folder; add the name of a file")
    if not stat.S_ISREG(mode):
        # Renaming onto a device such as /dev/null would replace the device for the whole system.
        raise OutputError(f"cannot write {shown!r}: it is not a regular file; choose another name")
    return target


def _flush_to_disk(path: Path) -> None:
    # Some file systems report a full disk only here.
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    advice = _ADVICE.get(error.errno or 0, "check the path and the disk")
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {os.fspath(path)!r}: {reason}; {advice}")
