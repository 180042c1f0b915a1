"""Arrays as VLFeat's ``vl_sift`` returns them: one column per keypoint.

=============== ============== =======================================================
``frames``      (4, N) float64 x, y, sigma, angle; x and y count from 1 in MATLAB
``descriptors`` (128, N) uint8 bins of each cell in reverse, 512 times ours, truncated
=============== ============== =======================================================

What is said here of MATLAB is read from VLFeat's source (``toolbox/sift/vl_sift.c``), not measured:
it detects in the transposed image, writes y + 1, x + 1, sigma and pi/2 less the angle found there,
and mirrors the descriptor back, so that angles and descriptors are those of its C library.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import vlfeat_matlab_xy, xy_from_vlfeat_matlab
from siftcore.descriptor_layouts import unit_from_vlfeat, vlfeat_bytes
from siftcore.errors import InputError
from siftcore.io.foreign import foreign_features
from siftcore.types import Features

__all__ = ["VLFeatArrays", "from_frames", "to_frames"]


class VLFeatArrays(NamedTuple):
    """``[frames, descriptors] = vl_sift(image)``; see the module."""

    frames: NDArray[np.float64]
    descriptors: NDArray[np.uint8]


def to_frames(features: Features, matlab: bool = True) -> VLFeatArrays:
    """Frames and descriptors of all features, in their order.

    Parameters
    ----------
    features : Features
    matlab : bool, default True
        Count x and y from 1, as VLFeat's MATLAB functions do; its C library counts from 0.

    Returns
    -------
    VLFeatArrays
    """
    xy = vlfeat_matlab_xy(features.xy) if matlab else features.xy
    frames = np.column_stack([xy, features.sigma, features.angle]).astype(np.float64)
    return VLFeatArrays(
        np.ascontiguousarray(frames.T),
        np.ascontiguousarray(vlfeat_bytes(features.descriptors).T),
    )


def from_frames(
    frames: ArrayLike,
    descriptors: ArrayLike | None,
    image_size: tuple[int, int],
    matlab: bool = True,
) -> Features:
    """Features of frames and descriptors.

    Parameters
    ----------
    frames : array_like, (4, N)
    descriptors : array_like, (128, N), or None
        None gives rows of zeros; `siftcore.describe` computes them.
    image_size : (int, int)
        Width and height.
    matlab : bool, default True
        x and y count from 1.

    Returns
    -------
    Features
        In the order given; `response`, `octave` and `level` are 0.

    Raises
    ------
    InputError
        For other shapes, values that are not finite, or a sigma that is not positive.
    """
    columns = np.asarray(frames, np.float64)
    if columns.ndim != 2 or columns.shape[0] != 4:
        raise InputError(f"frames must have shape (4, N): x, y, sigma, angle; got {columns.shape}")
    rows = None if descriptors is None else np.asarray(descriptors)
    if rows is not None and (rows.ndim != 2 or rows.shape[0] != 128):
        raise InputError(f"descriptors must have shape (128, N); got {rows.shape}")
    xy = columns[:2].T
    return foreign_features(
        "frames of VLFeat",
        xy=xy_from_vlfeat_matlab(xy) if matlab else xy,
        sigma=columns[2],
        angle=columns[3],
        descriptors=None if rows is None else unit_from_vlfeat(rows.T),
        image_size=image_size,
        provider="vlfeat",
    )
