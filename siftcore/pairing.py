"""Which images of a collection are matched with which."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from siftcore.validation import check_integer

if TYPE_CHECKING:
    from siftcore.retrieval import ImageIndex

__all__ = ["exhaustive_pairs", "retrieved_pairs", "sequential_pairs"]

_MANY = 2**31 - 1


def exhaustive_pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each image with each that comes later in `names`.

    Examples
    --------
    >>> list(exhaustive_pairs(["a", "b", "c"]))
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    return itertools.combinations(names, 2)


def sequential_pairs(names: Sequence[str], overlap: int) -> Iterator[tuple[str, str]]:
    """Each image with the `overlap` next ones, as for the frames of a film.

    Parameters
    ----------
    names : sequence of str
        In the order of the film.
    overlap : int
        COLMAP's default is 10; its pairs at distances of powers of two are not made.

    Examples
    --------
    >>> list(sequential_pairs(["a", "b", "c", "d"], 2))
    [('a', 'b'), ('a', 'c'), ('b', 'c'), ('b', 'd'), ('c', 'd')]
    """
    check_integer("overlap", overlap, 1, _MANY)
    for index, name in enumerate(names):
        for later in names[index + 1 : index + 1 + overlap]:
            yield name, later


def retrieved_pairs(
    index: ImageIndex, features: str | os.PathLike[str], names: Sequence[str], top: int
) -> Iterator[tuple[str, str]]:
    """Each image with the `top` most similar ones of an index, no pair twice.

    Parameters
    ----------
    index : siftcore.retrieval.ImageIndex
        Of the same collection or of another one.
    features : path
        The HDF5 file that has the features of `names`.
    names : sequence of str
    top : int
        Fewer are given where fewer got any vote.
    """
    from siftcore.io.hdf5 import read_features

    check_integer("top", top, 1, _MANY)
    seen: set[frozenset[str]] = set()
    for name in names:
        # One more, as an image of the collection finds itself.
        found = index.query(read_features(features, name), top + 1)
        others = [candidate.name for candidate in found if candidate.name != name]
        for other in others[:top]:
            pair = frozenset((name, other))
            if pair not in seen:
                seen.add(pair)
                yield name, other
