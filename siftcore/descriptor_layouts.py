"""The 128 numbers of a descriptor in the layouts and scales of other programs.

siftcore's own: (N, 128) float32 of L2 norm 1, in (row, column, bin) order. OpenCV and COLMAP have
the same order. ``docs/conventions.md`` says which direction each bin counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.errors import InputError

__all__ = [
    "bytes_from_unit",
    "kornia_floats",
    "lowe_bytes",
    "opencv_floats",
    "root_sift",
    "scikit_image_bytes",
    "sift_from_root_sift",
    "unit_from_bytes",
    "unit_from_kornia",
    "unit_from_lowe",
    "unit_from_scikit_image",
    "unit_from_vlfeat",
    "vlfeat_bytes",
]

_SCALE = 512.0
_REVERSED_BINS = [0, 7, 6, 5, 4, 3, 2, 1]


def bytes_from_unit(descriptors: ArrayLike) -> NDArray[np.uint8]:
    """Descriptors as COLMAP stores them: 512 times the value, rounded, at most 255.

    Parameters
    ----------
    descriptors : array_like, (N, 128)
        Of L2 norm 1.

    Returns
    -------
    ndarray, (N, 128) uint8

    Raises
    ------
    InputError
        For another shape.
    """
    return np.asarray(np.rint(_SCALE * _rows(descriptors)).clip(0.0, 255.0), np.uint8)


def unit_from_bytes(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors of L2 norm 1 from integers at any scale; rows of zeros stay.

    The inverse of `bytes_from_unit` and `opencv_floats`, up to what rounding and the limit of 255
    took.

    Parameters
    ----------
    descriptors : array_like, (N, 128)

    Returns
    -------
    ndarray, (N, 128) float32
    """
    rows = _rows(descriptors)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return _divided(rows, norm)


def opencv_floats(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors as OpenCV's SIFT returns them: the same integers as float32."""
    return bytes_from_unit(descriptors).astype(np.float32)


def root_sift(descriptors: ArrayLike) -> NDArray[np.float32]:
    """RootSIFT: divided by the L1 norm, then the square root; L2 norm 1 (rows of zeros stay).

    Arandjelovic & Zisserman, CVPR 2012.

    Parameters
    ----------
    descriptors : array_like, (N, 128)
        SIFT descriptors, not negative, of any scale.

    Returns
    -------
    ndarray, (N, 128) float32
    """
    rows = _rows(descriptors)
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(_divided(rows, total)))


def sift_from_root_sift(descriptors: ArrayLike) -> NDArray[np.float32]:
    """SIFT descriptors of L2 norm 1 from RootSIFT: the inverse of `root_sift`."""
    return unit_from_bytes(_rows(descriptors) ** 2)


def vlfeat_bytes(descriptors: ArrayLike) -> NDArray[np.uint8]:
    """Descriptors of VLFeat: bins in reverse, 512 times the value, truncated to an integer."""
    turned = _reversed_bins(_rows(descriptors))
    return (_SCALE * turned).clip(0.0, 255.0).astype(np.uint8)


def unit_from_vlfeat(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors of L2 norm 1 in our order from VLFeat's, floats or bytes."""
    return unit_from_bytes(_reversed_bins(_rows(descriptors)))


def scikit_image_bytes(descriptors: ArrayLike) -> NDArray[np.uint8]:
    """Descriptors of ``skimage.feature.SIFT``: its axes are ours, rotated by a quarter turn."""
    cells = _rows(descriptors).reshape(-1, 4, 4, 8)[:, ::-1].transpose(0, 2, 1, 3)
    return (_SCALE * cells.reshape(-1, 128)).clip(0.0, 255.0).astype(np.uint8)


def unit_from_scikit_image(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors of L2 norm 1 in our order from those of ``skimage.feature.SIFT``."""
    cells = _rows(descriptors).reshape(-1, 4, 4, 8).transpose(0, 2, 1, 3)[:, ::-1]
    return unit_from_bytes(cells.reshape(-1, 128))


def kornia_floats(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors as ``kornia.feature.SIFTDescriptor`` orders them: (bin, row, column).

    Its bins turn the other way round than ours.
    """
    cells = _reversed_bins(_rows(descriptors)).reshape(-1, 4, 4, 8)
    return np.ascontiguousarray(cells.transpose(0, 3, 1, 2)).reshape(-1, 128)


def unit_from_kornia(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors of L2 norm 1 in our order from those of ``kornia.feature.SIFTDescriptor``."""
    cells = _rows(descriptors).reshape(-1, 8, 4, 4).transpose(0, 2, 3, 1)
    return unit_from_bytes(_reversed_bins(cells.reshape(-1, 128)))


def lowe_bytes(descriptors: ArrayLike) -> NDArray[np.uint8]:
    """Descriptors of a ``.key`` file: our order, 512 times the value, rounded, at most 255."""
    return bytes_from_unit(descriptors)


def unit_from_lowe(descriptors: ArrayLike) -> NDArray[np.float32]:
    """Descriptors of L2 norm 1 from those of a ``.key`` file."""
    return unit_from_bytes(descriptors)


def _reversed_bins(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows.reshape(-1, 16, 8)[..., _REVERSED_BINS].reshape(-1, 128)


def _divided(rows: NDArray[np.float32], divisor: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.divide(rows, divisor, out=np.zeros_like(rows), where=divisor > 0.0))


def _rows(descriptors: ArrayLike) -> NDArray[np.float32]:
    rows: NDArray[Any] = np.asarray(descriptors, np.float32)
    if rows.size == 0 and rows.ndim <= 2:
        rows = rows.reshape(0, 128)
    if rows.ndim != 2 or rows.shape[1] != 128:
        raise InputError(f"descriptors must have shape (N, 128); got {rows.shape}")
    return rows
