"""Oxford buildings and Paris: ground truth of landmark retrieval, read as matching pairs.

Philbin, Chum, Isard, Sivic, Zisserman: Object retrieval with large vocabularies and fast spatial
matching, CVPR 2007 (Oxford); Lost in quantization, CVPR 2008 (Paris).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bench.pairs.pair_files import PairFiles
from bench.session import Session
from dognets.data.images import SUFFIXES
from siftcore.errors import InputError

__all__ = ["find_query_files", "read_buildings"]

# Oxford's query files name the visual words' run before the image.
_OXFORD = "oxc1_"


def find_query_files(folder: Path) -> list[Path]:
    """``LANDMARK_N_query.txt`` in any subfolder."""
    return sorted(folder.rglob("*_query.txt"))


def read_buildings(folder: Path, session: Session) -> Iterator[PairFiles]:
    """Each query image with each image of its good list, never with itself.

    The query's box is not used: whole images are matched. Images that are not there are noted in
    `session`.

    Parameters
    ----------
    folder : path
        Holds images and ground truth in any subfolders. Both data sets may lie in it.
    session : Session
    """
    images = {path.stem: path for path in sorted(folder.rglob("*")) if _is_image(path)}
    seen: set[frozenset[Path]] = set()
    for file, query in session.readable(find_query_files(folder), _query_name):
        good = file.with_name(file.name.replace("_query.txt", "_good.txt"))
        plain = query.removeprefix(_OXFORD)
        a = _found(images, plain, file, session)
        for _, names in session.readable([good], _names):
            for name in names:
                b = _found(images, name, good, session)
                # Queries of one landmark stand in each other's good lists.
                if a is None or b is None or a == b or frozenset((a, b)) in seen:
                    continue
                seen.add(frozenset((a, b)))
                yield PairFiles(_data_set(query, folder), _landmark(file), a, b)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _names(file: Path) -> list[str]:
    return file.read_text().split()


def _query_name(file: Path) -> str:
    words = _names(file)
    if not words:
        raise InputError(
            f"{str(file)!r} is empty; its first word must name the query image, as in "
            "'oxc1_all_souls_000013 136.5 34.1 648.5 955.7'"
        )
    return words[0]


def _found(images: dict[str, Path], name: str, listed: Path, session: Session) -> Path | None:
    if name not in images:
        session.skipped[name] = f"no image of that name; {listed.name} lists it"
    return images.get(name)


def _landmark(file: Path) -> str:
    return re.sub(r"(_\d+)?_query$", "", file.stem)


def _data_set(query: str, folder: Path) -> str:
    if query.startswith(_OXFORD):
        return "Oxford buildings"
    return "Paris" if query.startswith("paris_") else folder.name
