"""Files of the Oxford (VGG) detectors and of hesaff.

::

    128                     1.0 where there are no descriptors
    N
    x y a b c d1 ... d128
    ...

The ellipse ``a dx^2 + 2 b dx dy + c dy^2 = 1`` is the region; ours are circles whose radius is a
multiple of sigma. The files hold no angle: the regions are meant to be described upright, so
only descriptors of ``upright`` features agree with those that other programs write there.
Positions are taken as pixel centres at integers; that is read from hesaff's source, not measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from siftcore.coordinates import oxford_ellipse, sigma_from_oxford_ellipse
from siftcore.descriptor_layouts import bytes_from_unit, unit_from_bytes
from siftcore.io._numbers import NumberFile, shortest, write_lines
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["HESAFF_MAGNIFICATION", "read_oxford", "write_oxford"]

HESAFF_MAGNIFICATION = 3.0 * float(np.sqrt(3.0))
_DIMENSION = 128


def write_oxford(
    path: str | os.PathLike[str],
    features: Features,
    *,
    descriptors: bool = True,
    magnification: float = HESAFF_MAGNIFICATION,
) -> None:
    """Write a file of regions.

    Parameters
    ----------
    path : str or path-like
    features : Features
        Their angles are not written.
    descriptors : bool, default True
        Write them as well.
    magnification : float
        Radius of the region over sigma.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write_lines(path, _lines(features, descriptors, magnification))


def _lines(features: Features, described: bool, magnification: float) -> Iterator[str]:
    yield str(_DIMENSION) if described else "1.0"
    yield str(len(features))
    ellipses = oxford_ellipse(features.sigma, magnification)
    rows = zip(features.xy, ellipses, bytes_from_unit(features.descriptors), strict=True)
    for xy, ellipse, values in rows:
        region = " ".join(shortest(number) for number in (*xy, *ellipse))
        yield f"{region} {' '.join(map(str, values))}" if described else region


def read_oxford(
    path: str | os.PathLike[str],
    image_size: tuple[int, int],
    *,
    magnification: float = HESAFF_MAGNIFICATION,
) -> Features:
    """Read a file of regions.

    Parameters
    ----------
    path : str or path-like
    image_size : (int, int)
        Width and height of the image, which the file does not hold.
    magnification : float
        Radius of the region over sigma.

    Returns
    -------
    Features
        Circles of the ellipses' areas, angles 0; descriptors are rows of zeros where the file has
        none, and `siftcore.describe` computes them.

    Raises
    ------
    InputError
        When the file cannot be read, is truncated, or an ellipse is none.
    """
    file = NumberFile(path, "an Oxford or hesaff file")
    dimension, count = file.header()
    if dimension not in (1.0, float(_DIMENSION)):
        raise file.refuse(f"it must begin with 1.0 or 128; got {dimension:g}")
    described = dimension == _DIMENSION
    table = file.table(count, 5 + _DIMENSION * described)
    a, b, c = table[:, 2], table[:, 3], table[:, 4]
    if not ((a > 0.0) & (a * c > b * b)).all():
        raise file.refuse("a, b and c of some region are no ellipse")
    return foreign_features(
        f"{os.fspath(path)!r}",
        xy=table[:, :2],
        sigma=sigma_from_oxford_ellipse(table[:, 2:5], magnification),
        angle=np.zeros(len(table)),
        descriptors=unit_from_bytes(table[:, 5:]) if described else None,
        image_size=image_size,
        provider="oxford",
    )
