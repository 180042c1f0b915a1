"""One process that writes into a folder, where the system has locks."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from siftcore.errors import OutputError

__all__ = ["hold_lock", "only_writer", "try_lock"]


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder itself, so that no file of its own is needed in it.

    Raises
    ------
    OutputError
        When another process holds it.
    """
    if _locks() is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        hold_lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def hold_lock(file: IO[bytes] | int, folder: Path) -> None:
    """Lock an open file until it is closed.

    Raises
    ------
    OutputError
        When another process holds it; the message names `folder`.
    """
    fcntl = _locks()
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"another process is writing {str(folder)!r}; wait for it, or choose another output"
        ) from error
    except OSError:
        # Some network file systems have no locks.
        return


def try_lock(file: int) -> bool:
    """Lock an open file until it is closed, unless another has it or the system has no locks."""
    fcntl = _locks()
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locks() -> Any:
    try:
        return importlib.import_module("fcntl")
    except ImportError:  # Windows
        return None
