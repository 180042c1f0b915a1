"""`Features` from what another program kept, which is less than siftcore keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import wrap_angle
from siftcore.errors import InputError
from siftcore.types import Features

__all__ = ["foreign_features"]


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
    if not (np.isfinite(points).all() and all(np.isfinite(c).all() for c in columns.values())):
        raise InputError(f"{source}: positions, sigmas and angles must be finite; write it anew")
    if (columns["sigma"] <= 0.0).any():
        raise InputError(f"{source}: sigma must be positive; got {columns['sigma'].min():g}")
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
    return Features(**arrays, image_size=image_size, provider=provider)
