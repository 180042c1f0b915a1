"""The arrays that ``skimage.feature.SIFT`` holds after it has extracted; needs no scikit-image.

================ ================= ====================================================
``keypoints``    (N, 2) int64      ``positions``, rounded
``positions``    (N, 2) float64    row and column
``sigmas``       (N,) float64      Gaussian sigma in pixels
``orientations`` (N,) float64      radians from +y towards +x, in (-pi, pi]
``octaves``      (N,) int64        0 is the (enlarged) first octave
``scales``       (N,) int64        DoG level in the octave, 1 to ``n_scales``
``descriptors``  (N, 128) uint8    512 times ours, the cells turned a quarter
================ ================= ====================================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import (
    angle_from_scikit_image,
    scikit_image_angle,
    scikit_image_positions,
    xy_from_scikit_image,
)
from siftcore.descriptor_layouts import scikit_image_bytes, unit_from_scikit_image
from siftcore.errors import InputError
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["ScikitImageArrays", "from_arrays", "from_sift", "to_arrays"]


class ScikitImageArrays(NamedTuple):
    """The attributes of ``skimage.feature.SIFT``, by their names; see the module."""

    keypoints: NDArray[np.int64]
    positions: NDArray[np.float64]
    sigmas: NDArray[np.float64]
    orientations: NDArray[np.float64]
    octaves: NDArray[np.int64]
    scales: NDArray[np.int64]
    descriptors: NDArray[np.uint8]


def to_arrays(features: Features, upsampling: int = 2) -> ScikitImageArrays:
    """Arrays as ``skimage.feature.SIFT`` names them.

    Parameters
    ----------
    features : Features
    upsampling : {1, 2, 4}, default 2
        What ``octaves`` count from: the image enlarged by this factor is octave 0. Positions are
        true ones, without the bias of scikit-image's own enlargement.

    Returns
    -------
    ScikitImageArrays
    """
    positions = scikit_image_positions(features.xy)
    return ScikitImageArrays(
        keypoints=np.rint(positions).astype(np.int64),
        positions=positions,
        sigmas=features.sigma.astype(np.float64),
        orientations=scikit_image_angle(features.angle),
        octaves=features.octave.astype(np.int64) + int(np.log2(upsampling)),
        # A fit may end just beyond half-way to level 0, which is no detection level.
        scales=np.maximum(np.rint(features.level), 1.0).astype(np.int64),
        descriptors=scikit_image_bytes(features.descriptors),
    )


def from_arrays(
    positions: ArrayLike,
    sigmas: ArrayLike,
    orientations: ArrayLike,
    descriptors: ArrayLike | None,
    image_size: tuple[int, int],
    *,
    octaves: ArrayLike | None = None,
    scales: ArrayLike | None = None,
    upsampling: int = 1,
    biased: bool = False,
) -> Features:
    """Features of arrays as ``skimage.feature.SIFT`` names them.

    Parameters
    ----------
    positions, sigmas, orientations, descriptors, octaves, scales : array_like
        As in `ScikitImageArrays`; None where they are not known.
    image_size : (int, int)
        Width and height.
    upsampling : {1, 2, 4}, default 1
        What `octaves` count from.
    biased : bool, default False
        Take scikit-image's bias of that `upsampling` from the positions.

    Returns
    -------
    Features
        `response` is 0: scikit-image keeps none.

    Raises
    ------
    InputError
        When lengths do not go together, or values cannot be used.
    """
    rows = np.asarray(positions, np.float64)
    if rows.size and (rows.ndim != 2 or rows.shape[1] != 2):
        raise InputError(f"positions must have shape (N, 2), row and column; got {rows.shape}")
    octave = None if octaves is None else np.asarray(octaves) - int(np.log2(upsampling))
    return foreign_features(
        "arrays of scikit-image",
        xy=xy_from_scikit_image(rows, upsampling if biased else 1),
        sigma=sigmas,
        angle=angle_from_scikit_image(orientations),
        descriptors=None if descriptors is None else unit_from_scikit_image(descriptors),
        image_size=image_size,
        provider="scikit-image",
        octave=octave,
        level=scales,
    )


def from_sift(sift: Any, image_size: tuple[int, int]) -> Features:
    """Features of a ``skimage.feature.SIFT`` that has extracted, its bias removed.

    Parameters
    ----------
    sift : skimage.feature.SIFT
        After ``detect_and_extract``.
    image_size : (int, int)
        Width and height of its image.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        When it has not detected and extracted yet.
    """
    names = ("positions", "sigmas", "orientations", "descriptors", "octaves", "scales")
    arrays: dict[str, Any] = {name: getattr(sift, name, None) for name in names}
    absent = [name for name, array in arrays.items() if array is None]
    if absent:
        raise InputError(f"the SIFT has no {', '.join(absent)}; call its detect_and_extract first")
    return from_arrays(
        **arrays, image_size=image_size, upsampling=int(sift.upsampling), biased=True
    )
