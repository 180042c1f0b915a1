"""``cv2.KeyPoint`` objects and OpenCV's descriptors.

Positions are the same in both. ``size`` is twice sigma, ``angle`` in degrees, ``octave`` packed as
OpenCV's SIFT packs it, ``response`` as it is. Descriptors are float32 that hold integers, 512 times
ours and at most 255.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import (
    angle_from_opencv,
    opencv_angle,
    opencv_octave,
    opencv_size,
    sigma_from_opencv,
    unpack_opencv_octave,
)
from siftcore.descriptor_layouts import opencv_floats, unit_from_bytes
from siftcore.errors import InputTypeError, MissingDependencyError
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["from_keypoints", "to_descriptors", "to_keypoints"]

_FIELDS = ("pt", "size", "angle", "response", "octave")


def to_keypoints(features: Features) -> list[Any]:
    """``cv2.KeyPoint`` objects of all features, in their order.

    Parameters
    ----------
    features : Features

    Returns
    -------
    list of cv2.KeyPoint

    Raises
    ------
    MissingDependencyError
        Without OpenCV.
    """
    make = _import_cv2().KeyPoint
    columns = (
        features.xy[:, 0],
        features.xy[:, 1],
        opencv_size(features.sigma),
        # Rounded first, as a KeyPoint holds float32: 360 must not come out.
        opencv_angle(features.angle).astype(np.float32) % np.float32(360.0),
        features.response,
        opencv_octave(features.octave, features.level),
    )
    return [make(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def to_descriptors(features: Features) -> NDArray[np.float32]:
    """Descriptors as OpenCV's SIFT returns them, (N, 128) float32; (0, 128) where it gives None."""
    return opencv_floats(features.descriptors)


def from_keypoints(
    keypoints: Sequence[Any],
    descriptors: ArrayLike | None,
    image_size: tuple[int, int],
    provider: str = "opencv",
) -> Features:
    """Features of ``cv2.KeyPoint`` objects.

    Parameters
    ----------
    keypoints : sequence of cv2.KeyPoint
        Those of OpenCV's SIFT. Of other detectors `octave` and `level` mean nothing.
    descriptors : array_like, (N, 128), or None
        Of any scale. None gives rows of zeros; `siftcore.describe` computes them.
    image_size : (int, int)
        Width and height of the image.
    provider : str, default "opencv"

    Returns
    -------
    Features
        In the order given.

    Raises
    ------
    InputTypeError
        When an item is not a KeyPoint.
    InputError
        When the descriptors do not go with the keypoints, or a size is not positive.

    Notes
    -----
    Positions that OpenCV found without ``enable_precise_upscale=True`` are 0.25 px too large in x
    and y; they are kept as they are.
    """
    for item in keypoints:
        if not all(hasattr(item, name) for name in _FIELDS):
            raise InputTypeError(
                f"keypoints must be cv2.KeyPoint objects; got {type(item).__name__}; for "
                "arrays use siftcore.describe"
            )
    pt, size, angle, response, packed = (
        np.array([getattr(item, name) for item in keypoints]) for name in _FIELDS
    )
    octave, layer, offset = unpack_opencv_octave(packed)
    return foreign_features(
        "keypoints of OpenCV",
        xy=pt,
        sigma=sigma_from_opencv(size),
        angle=angle_from_opencv(angle),
        descriptors=None if descriptors is None else unit_from_bytes(descriptors),
        image_size=image_size,
        provider=provider,
        response=response,
        octave=octave,
        level=layer + offset,
    )


def _import_cv2() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise MissingDependencyError("cv2", "OpenCV's keypoints", "opencv") from error
