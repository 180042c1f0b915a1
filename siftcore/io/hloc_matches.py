"""Matches in HDF5, in the layout of hloc (Hierarchical-Localization).

One group per pair, ``name0/name1`` with every ``/`` of a name written ``-``. In it:

==================== ============= ===========================================================
``matches0``         (N0,) int16   row in the second image of each keypoint of the first, or -1
``matching_scores0`` (N0,) float16 1 - `Matches.ratio`, 0 without a match
==================== ============= ===========================================================

int16 ends at 32767: a pair with a larger row is written as int32, which hloc's reader takes too,
as it reads the array with the dtype that it has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import InputError
from siftcore.io._hdf5_file import create_hdf5, open_hdf5, read_array
from siftcore.types import Matches

__all__ = ["read_matches", "write_matches"]

_LARGEST_INT16 = 32767
_LARGEST_INT32 = 2**31 - 1


def write_matches(
    path: str | os.PathLike[str], pairs: Iterable[tuple[str, str, Matches, int]]
) -> None:
    """Write the matches of image pairs to one HDF5 file that hloc reads.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.
    pairs : iterable of (str, str, Matches, int)
        Names of the two images, their matches, and the first image's number of keypoints.

    Raises
    ------
    InputError
        When two pairs would share a group, in either order, a match lies outside the keypoints,
        or a keypoint of the first image has two matches.
    OutputError
        When the file cannot be written.
    MissingDependencyError
        Without h5py.
    """
    taken: set[tuple[str, str]] = set()
    with create_hdf5(path) as (file, raise_error):
        for name0, name1, matches, n_keypoints0 in pairs:
            key = _group_names(name0, name1)
            if key in taken or key[::-1] in taken:
                raise InputError(
                    f"the pair {name0!r}, {name1!r} is given twice, or differs from another "
                    "only by '/' and '-'; give each pair once, or rename"
                )
            taken.add(key)
            if not _are_of(matches, n_keypoints0):
                raise InputError(
                    f"matches of {name0!r}, {name1!r} must have different rows in "
                    f"[0, {n_keypoints0}) of the first image; match the same features again"
                )
            partner, score = _datasets(matches, n_keypoints0)
            group = file.create_group("/".join(key))
            group.create_dataset("matches0", data=partner)
            group.create_dataset("matching_scores0", data=score)
            raise_error()


def _are_of(matches: Matches, n_keypoints0: int) -> bool:
    """Whether every row exists, and none of the first image has two matches."""
    if not len(matches):
        return True
    rows, columns = matches.indices.T
    inside = rows.min() >= 0 and rows.max() < n_keypoints0 and columns.min() >= 0
    return bool(inside) and len(np.unique(rows)) == len(rows)


def _datasets(matches: Matches, n_keypoints0: int) -> tuple[NDArray[Any], NDArray[np.float16]]:
    """``matches0`` and ``matching_scores0``."""
    rows, columns = matches.indices.T
    is_wide = len(columns) > 0 and columns.max() > _LARGEST_INT16
    partner = np.full(n_keypoints0, -1, np.int32 if is_wide else np.int16)
    partner[rows] = columns
    score = np.zeros(n_keypoints0, np.float16)
    score[rows] = 1.0 - matches.ratio
    return partner, score


def read_matches(path: str | os.PathLike[str], name0: str, name1: str) -> Matches:
    """Read one pair's matches; a pair stored the other way round is turned.

    The file holds scores but no distances: `distance` is NaN, `ratio` is 1 - score.

    Raises
    ------
    InputError
        When the file cannot be read, or has no such pair in that layout.
    MissingDependencyError
        Without h5py.
    """
    key = _group_names(name0, name1)
    with open_hdf5(path, "matches", "hloc") as file:
        turned = "/".join(key) not in file
        group = file.get("/".join(key[::-1] if turned else key))
        if group is None or "matches0" not in group:
            raise InputError(
                f"{os.fspath(path)!r} has no matches of {name0!r} and {name1!r}; match that pair"
            )
        partner = read_array(group["matches0"])
        scored = "matching_scores0" in group
        score = read_array(group["matching_scores0"]) if scored else np.ones((), np.float16)
    if (
        partner.ndim != 1
        or partner.dtype.kind not in "iu"
        or (partner.size and partner.max() > _LARGEST_INT32)
        or score.shape not in ((), partner.shape)
        or not np.isfinite(score).all()
    ):
        raise InputError(
            f"matches of {name0!r} and {name1!r} in {os.fspath(path)!r} must be (N,) integers with "
            f"(N,) finite scores; got {partner.dtype} {partner.shape}, {score.shape}; match again"
        )
    rows = np.flatnonzero(partner >= 0)
    ratio = 1.0 - np.broadcast_to(score, partner.shape)[rows].astype(np.float32)
    indices = np.stack([rows, partner[rows]], axis=1).astype(np.int32)
    if turned:
        order = np.argsort(indices[:, 1], kind="stable")
        indices, ratio = np.ascontiguousarray(indices[order, ::-1]), ratio[order]
    return Matches(indices, np.full(len(rows), np.nan, np.float32), ratio.astype(np.float32))


def _group_names(name0: str, name1: str) -> tuple[str, str]:
    for name in (name0, name1):
        if not name or name == "." or "\0" in name or not _is_utf8(name):
            raise InputError(
                f"an image name must be text that UTF-8 can hold, not empty or '.'; got {name!r}"
            )
    return name0.replace("/", "-"), name1.replace("/", "-")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
