"""Which images a batch is of, and what each is called in the file of features."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from siftcore.errors import InputError
from siftcore.io.image_names import ImageNames

__all__ = ["NamedImage", "check_names", "find_images", "is_collection", "relative_name"]

# Of photographs and maps. Pillow knows more, among them PDF and HDF5, whose files in a folder of
# images are rarely meant.
_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm"}
    | {".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
_LIST_SUFFIX = ".txt"


class NamedImage(NamedTuple):
    """An image and its name in a file of features."""

    name: str
    path: str


def is_collection(given: str | os.PathLike[str]) -> bool:
    """Whether `given` stands for any number of images: a folder, a pattern or a list."""
    path = Path(given)
    return path.is_dir() or path.suffix.lower() == _LIST_SUFFIX or _is_pattern(path)


def find_images(inputs: Iterable[str | os.PathLike[str]]) -> list[NamedImage]:
    """Find the images that `inputs` stand for, in order, each with its name.

    Parameters
    ----------
    inputs : iterable of path
        Each is one of:

        - a folder: the images in it and below, by suffix, sorted; hidden ones are left out. Their
          names are relative to the folder.
        - a pattern with ``*``, ``?`` or ``[``, and ``**`` for any folders: the files that match,
          sorted.
        - a list, ``*.txt``: UTF-8 text, one path per line, relative to the list's folder or else to
          the working folder. Empty lines and lines that begin with ``#`` are skipped.
        - an image.

        Other names than a folder's are paths as given, without a leading ``/`` or ``../``.

    Returns
    -------
    list of NamedImage
        Whether each can be read is not checked.

    Raises
    ------
    InputError
        When a list or a folder cannot be read, an input stands for no image, two images would have
        the same name, or a name cannot be in a file of features.
    """
    found: list[NamedImage] = []
    for given in inputs:
        before = len(found)
        if not os.fspath(given):
            raise InputError("an empty path stands for no image; is a variable of the shell unset?")
        found.extend(_expand(Path(given)))
        if len(found) == before:
            raise InputError(f"{os.fspath(given)!r} stands for no image; check the path")
    check_names(found)
    return found


def check_names(images: Sequence[NamedImage]) -> None:
    """Raise `InputError` unless all names can stand in one file of features."""
    first_of: dict[str, str] = {}
    checked = ImageNames()
    for name, path in images:
        if name in first_of:
            raise InputError(
                f"{first_of[name]!r} and {path!r} would both be named {name!r} in the "
                "file; give each image once, from a folder above both"
            )
        checked.add(name)
        first_of[name] = path


def relative_name(path: str | os.PathLike[str]) -> str:
    """A path as a name: without its anchor and leading ``..``, as tar does it."""
    pure = PurePath(os.path.normpath(path))
    parts = list(pure.parts[1:] if pure.anchor else pure.parts)
    while parts and parts[0] == "..":
        del parts[0]
    return "/".join(parts)


def _is_pattern(path: Path) -> bool:
    # A file may really be called "a[1].jpg".
    return glob.has_magic(str(path)) and not path.exists()


def _expand(given: Path) -> Iterator[NamedImage]:
    if given.is_dir():
        for path in _below(given):
            yield NamedImage(path.relative_to(given).as_posix(), str(path))
    elif given.suffix.lower() == _LIST_SUFFIX:
        for line in _lines(given):
            beside = given.parent / line
            path = Path(line) if not beside.exists() and os.path.exists(line) else beside
            yield NamedImage(relative_name(line), str(path))
    elif _is_pattern(given):
        for match in sorted(glob.glob(str(given), recursive=True)):
            if not os.path.isdir(match):
                yield NamedImage(relative_name(match), match)
    else:
        yield NamedImage(relative_name(given), str(given))


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    waiting = [str(folder)]
    while waiting:
        for entry in _entries(waiting.pop()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            # A pipe would be waited for. A link to nothing is reported when it is read.
            elif PurePath(entry.name).suffix.lower() in _SUFFIXES and (
                entry.is_file(follow_symlinks=False)
                or (entry.is_symlink() and not os.path.isdir(entry.path))
            ):
                found.append(Path(entry.path))
    return sorted(found)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        # Left out, its images would be missed without a word.
        raise InputError(
            f"cannot look for images in {folder!r}: {error.strerror}; make it readable, or name "
            "the folders beside it"
        ) from error


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read a list of images from {str(path)!r}: {error}; give UTF-8 text with a "
            "path on each line"
        ) from error
    stripped = (line.strip() for line in text.split("\n"))
    return [line for line in stripped if line and not line.startswith("#")]
