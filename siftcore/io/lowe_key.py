"""Lowe's ``.key`` files, as his demo program wrote them.

::

    N 128
    row column scale orientation
    128 integers from 0 to 255, 20 per line
    ...

The orientation is in radians, counter-clockwise on the screen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from siftcore.coordinates import angle_from_lowe, lowe_angle, lowe_row_column, xy_from_lowe
from siftcore.descriptor_layouts import lowe_bytes, unit_from_lowe
from siftcore.io._numbers import NumberFile, shortest, write_lines
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["read_key", "write_key"]

_PER_LINE = 20
_DIMENSION = 128


def write_key(path: str | os.PathLike[str], features: Features) -> None:
    """Write a ``.key`` file.

    Parameters
    ----------
    path : str or path-like
    features : Features

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write_lines(path, _lines(features))


def _lines(features: Features) -> Iterator[str]:
    yield f"{len(features)} {_DIMENSION}"
    positions = lowe_row_column(features.xy)
    rows = zip(
        positions,
        features.sigma,
        lowe_angle(features.angle),
        lowe_bytes(features.descriptors),
        strict=True,
    )
    for (row, column), sigma, angle, values in rows:
        yield " ".join(shortest(number) for number in (row, column, sigma, angle))
        for start in range(0, _DIMENSION, _PER_LINE):
            yield " " + " ".join(str(value) for value in values[start : start + _PER_LINE])


def read_key(path: str | os.PathLike[str], image_size: tuple[int, int]) -> Features:
    """Read a ``.key`` file.

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
    file = NumberFile(path, "a .key file")
    table = file.keypoints(_DIMENSION)
    return foreign_features(
        f"{os.fspath(path)!r}",
        xy=xy_from_lowe(table[:, :2]),
        sigma=table[:, 2],
        angle=angle_from_lowe(table[:, 3]),
        descriptors=unit_from_lowe(table[:, 4:]),
        image_size=image_size,
        provider="lowe",
    )
