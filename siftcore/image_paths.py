"""Paths that are to be images: what of them can be opened, and what would never end."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from siftcore.errors import ImageReadError

__all__ = ["openable"]


def openable(name: str) -> str | io.BytesIO:
    """What Pillow is to open for a path: the path itself, or what came through a pipe.

    Parameters
    ----------
    name : str
        Need not be there; that is left to the opening.

    Raises
    ------
    ImageReadError
        For a folder, a device or a socket.
    """
    if "\0" in name:
        raise ImageReadError(name, "a path cannot hold a zero character")
    try:
        kind = os.stat(name).st_mode
        if stat.S_ISFIFO(kind):
            # Such as `<(...)` of a shell. Pillow would read it too, and leave it open.
            return io.BytesIO(Path(name).read_bytes())
    except OSError:
        return name
    if stat.S_ISDIR(kind):
        raise ImageReadError(name, "it is a folder; name the images in it")
    if not stat.S_ISREG(kind):
        # A device may have no end.
        raise ImageReadError(name, "it is a device or a socket, not a file")
    return name
