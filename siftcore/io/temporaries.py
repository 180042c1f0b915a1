"""Unfinished files and folders: locked while their process lives, deleted by a later one if not.

A process that is killed cannot delete what it was writing. The next one that writes into the same
folder does: it deletes what has the name of a temporary file, but nobody's lock. Where the system
has no locks, nothing is deleted but one's own.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from siftcore.io.locking import try_lock

__all__ = ["delete_unfinished", "temporary_beside"]

_PREFIX, _SUFFIX = ".siftcore-", ".tmp"
# Now, as it would take longest of what is done before a file has its lock.
with contextlib.suppress(ImportError):
    importlib.import_module("fcntl")
# Folders that this process has looked through.
_swept: set[Path] = set()


@contextlib.contextmanager
def temporary_beside(
    target: Path, *, folder: bool = False, permissions: int = 0o777
) -> Iterator[Path]:
    """Give a new empty file, or folder, beside `target`; what is left of it at the end is deleted.

    Parameters
    ----------
    target : Path
        In a folder that exists.
    folder : bool, default False
        Make a folder instead of a file.
    permissions : int
        Of a folder; the user's mask applies.

    Yields
    ------
    Path
        To be renamed if it is to stay.
    """
    _sweep(target.parent)
    name = f"{_PREFIX}{secrets.token_hex(8)}"
    # Nobody deletes this name; it gets the other when it is locked.
    born, path = target.parent / name, target.parent / f"{name}{_SUFFIX}"
    descriptor = None
    try:
        if folder:
            born.mkdir(permissions)
            descriptor = os.open(born, os.O_RDONLY) if os.name == "posix" else None
        else:
            # Not by tempfile, whose files are private to the user whatever the mask.
            descriptor = os.open(born, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        if descriptor is not None and not try_lock(descriptor):
            # An open file cannot be renamed on Windows.
            os.close(descriptor)
            descriptor = None
        os.rename(born, path)
        yield path
    finally:
        _delete(path)
        _delete(born)
        if descriptor is not None:
            os.close(descriptor)


def delete_unfinished(folder: Path) -> None:
    """Delete the temporary files in a folder that no other process writes; locks are not asked."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            left.unlink()


def _sweep(folder: Path) -> None:
    if folder in _swept or os.name != "posix":
        return
    _swept.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                _delete_if_orphaned(Path(entry.path))


def _delete_if_orphaned(path: Path) -> None:
    with contextlib.suppress(OSError):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        if status.st_uid != os.geteuid() or kind not in (stat.S_IFREG, stat.S_IFDIR):
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if try_lock(descriptor):
                _delete(path)
        finally:
            os.close(descriptor)


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
