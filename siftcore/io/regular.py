"""Files that are read in any order, which pipes and devices cannot be."""

from __future__ import annotations

import os

__all__ = ["why_not_a_file"]


def why_not_a_file(path: str | os.PathLike[str]) -> str | None:
    """What is wrong where something else than a file is: opening a pipe waits for a writer."""
    if os.path.exists(path) and not os.path.isfile(path):
        return (
            f"{os.fspath(path)!r} is no regular file; it is read in any order, so write what a "
            "pipe gives to a file first"
        )
    return None
