"""Files that are read in any order, which pipes and devices cannot be."""

from __future__ import annotations

import os

from siftcore.errors import InputError

__all__ = ["check_regular"]


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` where something else than a file is: opening a pipe waits for a writer."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(
            f"{os.fspath(path)!r} is no regular file; it is read in any order, so write what a "
            "pipe gives to a file first"
        )
