"""`Features` from what another program kept, which is less than siftcore keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import wrap_angle
from siftcore.errors import InputError
from siftcore.types import Features

__all__ = ["checked_features", "foreign_features"]


def checked_features(
    source: str, arrays: dict[str, Any], image_size: tuple[int, int], provider: str
) -> Features:
    """`Features` of arrays that come from a file, which may be damaged.

    Parameters
    ----------
    source : str
        Where they come from, for messages.
    arrays : dict of str to ndarray
        Every array of `Features`, real numbers.
    image_size : (int, int)
        Width and height.
    provider : str

    Raises
    ------
    InputError
        When shapes do not fit, a number is not finite as float32, a sigma is not positive, an
        angle is outside of [0, 2 pi), or a side of the image is not positive.
    """
    for name, array in arrays.items():
        dtype = np.asarray(array).dtype
        if dtype.kind not in "buif":
            raise InputError(f"{source}: {name} must be real numbers; got {dtype}")
    # What float32 cannot hold becomes an infinity, which is refused below.
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            features = Features(**arrays, image_size=image_size, provider=provider)
    except InputError as error:
        raise InputError(f"{source}: {error}; write it again") from error
    for name in arrays:
        if not np.isfinite(getattr(features, name)).all():
            raise InputError(f"{source}: {name} must be finite; write it again")
    if len(features) and not features.sigma.min() > 0.0:
        smallest = features.sigma.min()
        raise InputError(f"{source}: sigma must be positive; got {smallest:g}; leave those out")
    if len(features) and not 0.0 <= features.angle.min() <= features.angle.max() < 2.0 * np.pi:
        raise InputError(f"{source}: angles must lie in [0, 2 pi); write it again")
    if min(image_size) < 1:
        raise InputError(
            f"{source}: the sides of the image must be at least 1; got {image_size}; give its "
            "width and height in pixels"
        )
    return features


def foreign_features(
    source: str,
    *,
    xy: ArrayLike,
    sigma: ArrayLike,
    angle: ArrayLike,
    descriptors: ArrayLike | None,
    image_size: tuple[int, int],
    provider: str,
    response: ArrayLike | None = None,
    octave: ArrayLike | None = None,
    level: ArrayLike | None = None,
) -> Features:
    """Check arrays that are already in siftcore's conventions, and make them `Features`.

    Parameters
    ----------
    source : str
        Where they come from, for messages.
    xy : array_like, (N, 2)
    sigma, angle : array_like, (N,)
    descriptors : array_like, (N, 128), or None
        None gives rows of zeros, to be filled by `siftcore.describe`.
    image_size : (int, int)
        Width and height.
    provider : str
        Name of the program.
    response, octave, level : array_like, (N,), optional
        0 where the other program does not keep them.

    Returns
    -------
    Features
        In the order given.

    Raises
    ------
    InputError
        When shapes do not fit, values are not finite, or a sigma is not positive.
    """
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    n = len(points)
    columns: dict[str, NDArray[Any]] = {"sigma": np.asarray(sigma), "angle": np.asarray(angle)}
    for name, column in columns.items():
        if column.shape != (n,):
            raise InputError(f"{source}: {n} positions, but {name} has the shape {column.shape}")
    if not np.isfinite(columns["angle"]).all():
        raise InputError(f"{source}: positions, sigmas and angles must be finite; write it again")
    zeros = np.zeros(n)
    rows = np.zeros((n, 128)) if descriptors is None else np.asarray(descriptors)
    if rows.shape != (n, 128):
        raise InputError(f"{source}: {n} keypoints, but descriptors of the shape {rows.shape}")
    arrays: dict[str, Any] = {
        "xy": points,
        "sigma": columns["sigma"],
        "angle": wrap_angle(columns["angle"]),
        "response": zeros if response is None else response,
        "octave": zeros if octave is None else octave,
        "level": zeros if level is None else level,
        "descriptors": rows,
    }
    return checked_features(source, arrays, image_size, provider)
