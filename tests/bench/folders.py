"""Files of made-up data sets."""

from __future__ import annotations

from pathlib import Path

__all__ = ["touch", "write"]


def touch(folder: Path, *names: str) -> Path:
    """Files that layouts only have to find."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path
