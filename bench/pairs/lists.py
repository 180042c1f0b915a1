"""Matching pairs that a text file lists: ``pairs.txt``, and the annotation of CDVS."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.pairs.pair_files import PairFiles
from bench.session import Session
from siftcore.errors import InputError

__all__ = ["find_cdvs_lists", "read_cdvs", "read_pairs_file"]

_LIST = re.compile(r"matching[-_]pairs", re.IGNORECASE)
_NON_MATCHING = re.compile(r"non[-_]?matching", re.IGNORECASE)
_ANNOTATION = {"annotation", "annotations"}


def read_pairs_file(file: Path, session: Session) -> Iterator[PairFiles]:
    """Lines ``a b [category [homography]]``, with paths relative to the file.

    ``#`` starts a comment; a path with spaces stands in quotes. Without a category, the file's
    folder gives its name. A line that cannot be used is skipped and noted in `session`.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    for number, line in _lines(file):
        words = _words(line, file, number, session)
        if not words:
            continue
        if not 2 <= len(words) <= 4:
            _skip(session, file, number, f"expected a b [category [homography]]; got {line!r}")
            continue
        named = [words[0], words[1], *words[3:]]
        paths = [file.parent / name for name in named]
        if _all_there(paths, named, file, number, session):
            category = words[2] if len(words) > 2 else file.resolve().parent.name
            yield PairFiles(category, words[0], *paths)


def find_cdvs_lists(folder: Path) -> list[Path]:
    """Text files below `folder` with ``matching_pairs`` in their name, not ``non_matching``."""
    return sorted(
        path
        for path in folder.rglob("*.txt")
        if _LIST.search(path.name) and not _NON_MATCHING.search(path.name)
    )


def read_cdvs(folder: Path, session: Session) -> Iterator[PairFiles]:
    """Pairs of MPEG's Compact Descriptors for Visual Search, one list a category.

    A line holds a query and a reference image, as the reference software's ``FileManager`` reads
    them. They are looked for from `folder`, from its subfolder ``images``, and from the list's own
    folder.

    The category is the first folder on the way to the list, leaving out ``annotation``, or else
    what the list's name has besides ``matching_pairs``.
    """
    for file in find_cdvs_lists(folder):
        category = _category(file, folder)
        usable = False
        for pair in _cdvs_pairs(file, folder, category, session):
            usable = True
            yield pair
        if not usable:
            session.skipped[f"category {category}"] = f"{file.name} has no pair that could be used"


def _cdvs_pairs(file: Path, folder: Path, category: str, session: Session) -> Iterator[PairFiles]:
    for number, line in _lines(file):
        words = line.split()
        if not words:
            continue
        if len(words) < 2:
            _skip(session, file, number, f"expected two images; got {line!r}")
            continue
        roots = (folder, folder / "images", file.parent)
        paths = [_first_there(roots, name) for name in words[:2]]
        if _all_there(paths, words, file, number, session):
            yield PairFiles(category, words[0], *paths)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        # Lists written on Windows may start with a byte order mark.
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read a list of pairs from {str(file)!r}: {error}") from error
    return enumerate(text.splitlines(), 1)


def _words(line: str, file: Path, number: int, session: Session) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        _skip(session, file, number, f"{error} in {line!r}")
        return []


def _first_there(roots: Sequence[Path], name: str) -> Path:
    return next((root / name for root in roots if (root / name).is_file()), roots[0] / name)


def _all_there(
    paths: Sequence[Path], names: Sequence[str], file: Path, number: int, session: Session
) -> bool:
    lacking = [name for name, path in zip(names, paths, strict=False) if not path.is_file()]
    if lacking:
        _skip(session, file, number, f"no file {', '.join(map(repr, lacking))}")
    return not lacking


def _skip(session: Session, file: Path, number: int, reason: str) -> None:
    session.skipped[f"{file.name}, line {number}"] = reason


def _category(file: Path, folder: Path) -> str:
    above = [part for part in file.relative_to(folder).parts[:-1] if part not in _ANNOTATION]
    if above:
        return above[0]
    return _LIST.sub("", file.stem).strip("-_ ") or folder.resolve().name
