"""Pairs of image files: how some of them are drawn, and how one is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.pairs.oxford_affine import read_homography
from bench.pairs.pair import ImagePair
from bench.session import Session

__all__ = ["PairFiles", "draw_pairs", "read_pair"]


@dataclass(frozen=True)
class PairFiles:
    """Where a pair lies.

    Attributes
    ----------
    category : str
        Figures are means over a category.
    group : str
        Scene, landmark or query; intervals draw whole groups.
    a, b : path
        Image files.
    homography : path, optional
        Text file of nine numbers, from a to b in pixels.
    """

    category: str
    group: str
    a: Path
    b: Path
    homography: Path | None = None


def read_pair(
    files: PairFiles, session: Session, read_image: Callable[[Path], NDArray[np.uint8]]
) -> ImagePair | None:
    """The pair, or None where a part of it cannot be read, which is noted in `session`."""
    images = [image for _, image in session.readable((files.a, files.b), read_image)]
    known = [] if files.homography is None else [files.homography]
    homographies = [found for _, found in session.readable(known, read_homography)]
    if len(images) < 2 or len(homographies) < len(known):
        return None
    name = f"{files.a.stem} - {files.b.stem}"
    return ImagePair(files.group, name, *images, *homographies)


def draw_pairs(pairs: Iterable[PairFiles], limit: int | None, seed: int = 0) -> list[PairFiles]:
    """At most `limit` pairs of each category, evenly over its groups.

    Parameters
    ----------
    pairs : iterable of PairFiles
        One that comes twice counts once.
    limit : int, optional
        By default all.
    seed : int, default 0

    Returns
    -------
    list of PairFiles
        In the order of `pairs`, so that pairs which share an image stay together.
    """
    found = list(dict.fromkeys(pairs))
    if limit is None:
        return found
    rng = np.random.default_rng(seed)
    by_category: dict[str, dict[str, list[PairFiles]]] = defaultdict(lambda: defaultdict(list))
    for pair in found:
        by_category[pair.category][pair.group].append(pair)
    kept: set[PairFiles] = set()
    for groups in by_category.values():
        shuffled = [[group[i] for i in rng.permutation(len(group))] for group in groups.values()]
        # The last turn does not fit whole, so the order of the groups is drawn, too.
        turns = zip_longest(*(shuffled[i] for i in rng.permutation(len(shuffled))))
        drawn = [pair for turn in turns for pair in turn if pair is not None]
        kept.update(drawn[:limit])
    return [pair for pair in found if pair in kept]
