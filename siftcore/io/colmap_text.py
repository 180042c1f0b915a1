"""COLMAP's text files of features, for its ``feature_importer``: ``IMAGE.jpg.txt`` for an image.

::

    N 128
    x y scale orientation d1 ... d128
    ...

The first pixel's centre is (0.5, 0.5); descriptors are integers from 0 to 255, RootSIFT as COLMAP
compares them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

from siftcore.coordinates import colmap_xy, xy_from_colmap
from siftcore.descriptor_layouts import bytes_from_unit, root_sift, unit_from_bytes
from siftcore.io._numbers import NumberFile, shortest, write_lines
from siftcore.io.foreign import foreign_features
from siftcore.types import Features
from siftcore.validation import check_choice

__all__ = ["read_colmap_text", "write_colmap_text"]

_DIMENSION = 128


def write_colmap_text(
    path: str | os.PathLike[str],
    features: Features,
    kind: Literal["sift", "rootsift"] = "rootsift",
) -> None:
    """Write one image's features for ``colmap feature_importer``.

    Parameters
    ----------
    path : str or path-like
        The image's path with ``.txt`` added.
    features : Features
    kind : {"sift", "rootsift"}
        What `features.descriptors` are; "sift" is turned into RootSIFT.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    check_choice("kind", kind, ("sift", "rootsift"))
    write_lines(path, _lines(features, kind))


def _lines(features: Features, kind: str) -> Iterator[str]:
    yield f"{len(features)} {_DIMENSION}"
    vectors = features.descriptors if kind == "rootsift" else root_sift(features.descriptors)
    rows = zip(
        colmap_xy(features.xy),
        features.sigma,
        features.angle,
        bytes_from_unit(vectors),
        strict=True,
    )
    for (x, y), sigma, angle, values in rows:
        keypoint = " ".join(shortest(number) for number in (x, y, sigma, angle))
        yield f"{keypoint} {' '.join(map(str, values))}"


def read_colmap_text(path: str | os.PathLike[str], image_size: tuple[int, int]) -> Features:
    """Read one image's features.

    Parameters
    ----------
    path : str or path-like
    image_size : (int, int)
        Width and height of the image, which the file does not hold.

    Returns
    -------
    Features
        In the order of the file; `response`, `octave` and `level` are 0.

    Raises
    ------
    InputError
        When the file cannot be read, is truncated or of another kind.
    """
    file = NumberFile(path, "COLMAP's text of features")
    table = file.keypoints(_DIMENSION)
    return foreign_features(
        f"{os.fspath(path)!r}",
        xy=xy_from_colmap(table[:, :2]),
        sigma=table[:, 2],
        angle=table[:, 3],
        descriptors=unit_from_bytes(table[:, 4:]),
        image_size=image_size,
        provider="colmap",
    )
