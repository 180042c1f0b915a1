"""Lists of image pairs, one ``name0 name1`` per line, as hloc writes them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["read_pairs", "write_pairs"]


def read_pairs(path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Read image pairs; empty lines are skipped.

    Parameters
    ----------
    path : str or path-like
        UTF-8 text, two names per line with white space between them.

    Returns
    -------
    list of (str, str)
        In the order of the file.

    Raises
    ------
    InputError
        When the file cannot be read, or a line does not hold two different names.
    """
    shown = os.fspath(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().split("\n")
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read pairs from {shown!r}: {error}; give a UTF-8 text file with "
            "'name0 name1' on each line"
        ) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        names = line.split()
        if not names:
            continue
        if len(names) != 2 or names[0] == names[1]:
            raise InputError(
                f"{shown!r}, line {number}: expected two different image names with a space "
                f"between them, got {line.strip()!r}; a name must not contain white space"
            )
        pairs.append((names[0], names[1]))
    return pairs


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[tuple[str, str]]) -> None:
    """Write image pairs, one per line.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.
    pairs : iterable of (str, str)
        Two different names each, without white space.

    Raises
    ------
    InputError
        When a name is empty or contains white space, or both are the same.
    OutputError
        When the file cannot be written.
    """
    lines = []
    for name0, name1 in pairs:
        if len(name0.split()) != 1 or len(name1.split()) != 1 or name0 == name1:
            raise InputError(
                f"a pair must be two different names; got {name0!r} and {name1!r}; "
                "rename images with white space in their names"
            )
        if f"{name0} {name1}".split() != [name0, name1]:
            raise InputError(
                f"names must not begin or end with white space; got {name0!r} and {name1!r}; "
                "rename the images"
            )
        lines.append(f"{name0} {name1}\n")
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
