"""Collections of matching pairs: which layout a folder has, and its pairs drawn and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.pairs.buildings import find_query_files, read_buildings
from bench.pairs.lists import find_cdvs_lists, read_cdvs, read_pairs_file
from bench.pairs.oxford_affine import find_scenes
from bench.pairs.pair_files import PairFiles, draw_pairs
from bench.session import Session
from dognets.data.images import SUFFIXES
from siftcore.errors import InputError

__all__ = ["find_pairs"]

PAIRS_FILE = "pairs.txt"
_LAYOUTS = (
    f"a file {PAIRS_FILE} with lines 'a b [category [homography]]'; scenes of the Oxford affine "
    "data set (SCENE/H1to2p); ground truth of Oxford buildings or Paris (*_query.txt); lists of "
    "CDVS (*matching_pairs*.txt); or at least two images"
)


def find_pairs(
    data: Path, session: Session, limit: int | None = None, pairs_file: Path | None = None
) -> list[PairFiles]:
    """Pairs of a folder, whichever layout it has; ``docs/benchmarks/data.md`` describes them.

    Parameters
    ----------
    data : path
    session : Session
        Is told what could not be used; its seed draws.
    limit : int, optional
        At most so many pairs of each category, evenly over its scenes, landmarks or queries.
    pairs_file : path, optional
        Read instead of what lies in `data`.

    Returns
    -------
    list of PairFiles
        Not empty. Pairs that share their first image follow each other.

    Raises
    ------
    InputError
        When the folder is missing, has none of the layouts, or no pair of it could be used.
    """
    pairs = draw_pairs(_all_pairs(data, session, limit, pairs_file), limit, session.seed)
    if not pairs:
        raise session.nothing_left("pair")
    return pairs


def _all_pairs(
    data: Path, session: Session, limit: int | None, pairs_file: Path | None
) -> Iterator[PairFiles]:
    if pairs_file is not None:
        return read_pairs_file(pairs_file, session)
    if not data.is_dir():
        raise InputError(f"no folder {str(data)!r}; expected one that holds {_LAYOUTS}")
    if (data / PAIRS_FILE).is_file():
        return read_pairs_file(data / PAIRS_FILE, session)
    if any(data.glob("*/H1to2p")):
        return _affine_pairs(data)
    if find_query_files(data):
        return read_buildings(data, session)
    if find_cdvs_lists(data):
        return read_cdvs(data, session)
    images = sorted(p for p in data.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if len(images) < 2:
        raise InputError(f"no pair of images in {str(data)!r}; expected {_LAYOUTS}")
    return _every_two(images, data.resolve().name, limit, session.seed)


def _affine_pairs(data: Path) -> Iterator[PairFiles]:
    for scene in find_scenes(data):
        for k in range(2, 7):
            a, b = (_numbered(scene, number) for number in (1, k))
            yield PairFiles("Oxford affine", scene.name, a, b, scene / f"H1to{k}p")


def _numbered(scene: Path, number: int) -> Path:
    return next(iter(sorted(scene.glob(f"img{number}.*"))), scene / f"img{number}.ppm")


def _every_two(
    images: list[Path], category: str, limit: int | None, seed: int
) -> Iterator[PairFiles]:
    """Drawn before they are listed: five thousand images have twelve million pairs."""
    n = len(images) * (len(images) - 1) // 2
    chosen: NDArray[np.int64] = np.arange(n)
    if limit is not None and limit < n:
        chosen = np.sort(np.random.default_rng(seed).choice(n, limit, replace=False))
    # Pair k stands in row i of the upper triangle, read row by row from its end.
    left = n - 1 - chosen
    i = ((np.sqrt(8.0 * left + 1.0) - 1.0) / 2.0).astype(np.int64)
    for row, rest in zip(i, left - i * (i + 1) // 2, strict=True):
        a, b = images[len(images) - 2 - row], images[len(images) - 1 - rest]
        yield PairFiles(category, a.name, a, b)
