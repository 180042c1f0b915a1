"""Positions, scales and angles between siftcore's conventions and those of other programs.

siftcore's own: x the column and y the row, pixel centres at integers, sigma a Gaussian sigma in
pixels, angles in radians in [0, 2 pi) from +x towards +y (clockwise on the screen).

``PROGRAM_...(ours)`` gives that program's values, ``..._from_PROGRAM(theirs)`` gives ours. All
functions are vectorised, work in float64 and know nothing of files. ``docs/conventions.md`` has
them in one table. What a function would leave as it is has no function: COLMAP's scales and
angles, OpenCV's positions, VLFeat's sigmas and angles are siftcore's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "OpenCVOctave",
    "angle_from_lowe",
    "angle_from_opencv",
    "angle_from_scikit_image",
    "colmap_affine",
    "colmap_xy",
    "from_kornia_lafs",
    "lowe_angle",
    "lowe_row_column",
    "map_from_xy",
    "opencv_angle",
    "opencv_octave",
    "opencv_size",
    "oxford_ellipse",
    "scikit_image_angle",
    "scikit_image_positions",
    "shape_from_colmap_affine",
    "sigma_from_opencv",
    "sigma_from_oxford_ellipse",
    "to_kornia_lafs",
    "unpack_opencv_octave",
    "vlfeat_matlab_xy",
    "wrap_angle",
    "xy_from_colmap",
    "xy_from_lowe",
    "xy_from_map",
    "xy_from_scikit_image",
    "xy_from_vlfeat_matlab",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


def wrap_angle(angle: ArrayLike) -> Floats:
    """The same directions in [0, 2 pi), also once they are rounded to float32."""
    turned = np.mod(np.asarray(angle, np.float64), 2.0 * np.pi)
    # A tiny negative angle comes out of mod as 2 pi itself, in float64 or when rounded.
    return np.where(turned.astype(np.float32) >= np.float32(2.0 * np.pi), 0.0, turned)


def _half_turns(angle: ArrayLike) -> Floats:
    turned = wrap_angle(angle)
    return np.where(turned > np.pi, turned - 2.0 * np.pi, turned)


# OpenCV: cv2.KeyPoint


def opencv_size(sigma: ArrayLike) -> Floats:
    """``KeyPoint.size``, a diameter: twice sigma, in pixels."""
    return 2.0 * np.asarray(sigma, np.float64)


def sigma_from_opencv(size: ArrayLike) -> Floats:
    """Sigma of a ``KeyPoint.size``, in pixels."""
    return 0.5 * np.asarray(size, np.float64)


def opencv_angle(angle: ArrayLike) -> Floats:
    """``KeyPoint.angle``: degrees in [0, 360), clockwise on the screen as ours."""
    return np.rad2deg(wrap_angle(angle))


def angle_from_opencv(degrees: ArrayLike) -> Floats:
    """Radians of a ``KeyPoint.angle``; its -1, which stands for no angle, becomes 0."""
    values = np.asarray(degrees, np.float64)
    return wrap_angle(np.deg2rad(np.where(values == -1.0, 0.0, values)))


class OpenCVOctave(NamedTuple):
    """What ``KeyPoint.octave`` of OpenCV's SIFT packs.

    Attributes
    ----------
    octave : ndarray, int32
        -1 is the doubled image.
    layer : ndarray, int32
        DoG level, 1 to ``nOctaveLayers``.
    offset : ndarray, float64
        Refined level less `layer`, in [-0.5, 0.5], in steps of 1/255.
    """

    octave: Integers
    layer: Integers
    offset: Floats


def opencv_octave(octave: ArrayLike, level: ArrayLike) -> Integers:
    """``KeyPoint.octave``: octave in bits 0 to 7, layer in 8 to 15, sub-level in 16 to 23.

    Parameters
    ----------
    octave : array_like of int
        `Features.octave`.
    level : array_like of float
        `Features.level`, the refined DoG level.

    Returns
    -------
    ndarray, int32
    """
    levels = np.asarray(level, np.float64)
    # A fit may end just beyond half-way to level 0, which is no detection level.
    layer = np.clip(np.rint(levels), 1, 255)
    offset = np.clip(levels - layer, -0.5, 0.5)
    packed = np.asarray(octave, np.int64) & 255
    packed = packed | layer.astype(np.int64) << 8
    packed = packed | np.rint((offset + 0.5) * 255.0).astype(np.int64) << 16
    return np.asarray(packed, np.int32)


def unpack_opencv_octave(packed: ArrayLike) -> OpenCVOctave:
    """Octave, layer and sub-level of a ``KeyPoint.octave``."""
    bits = np.asarray(packed, np.int64)
    octave = bits & 255
    octave = np.where(octave >= 128, octave - 256, octave)
    offset = (bits >> 16 & 255) / 255.0 - 0.5
    return OpenCVOctave(octave.astype(np.int32), (bits >> 8 & 255).astype(np.int32), offset)


# COLMAP and pycolmap: the database and its text files


def colmap_xy(xy: ArrayLike) -> Floats:
    """Positions in COLMAP, where the first pixel's centre is (0.5, 0.5)."""
    return np.asarray(xy, np.float64) + 0.5


def xy_from_colmap(xy: ArrayLike) -> Floats:
    """Positions of COLMAP with pixel centres at integers."""
    return np.asarray(xy, np.float64) - 0.5


def colmap_affine(sigma: ArrayLike, angle: ArrayLike) -> Floats:
    """Columns a11, a12, a21, a22 of COLMAP's keypoints with six columns, (N, 4).

    They are the matrix ``sigma * rotation(angle)``.
    """
    s = np.asarray(sigma, np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([s * cosine, -s * sine, s * sine, s * cosine], axis=-1)


def shape_from_colmap_affine(affine: ArrayLike) -> tuple[Floats, Floats]:
    """Sigma and angle of columns a11, a12, a21, a22, as COLMAP takes them from an affine shape.

    Sigma is the mean length of the matrix's two columns, the angle that of the first.
    """
    a11, a12, a21, a22 = np.moveaxis(np.asarray(affine, np.float64), -1, 0)
    sigma = 0.5 * (np.hypot(a11, a21) + np.hypot(a12, a22))
    return sigma, wrap_angle(np.arctan2(a21, a11))


# scikit-image: skimage.feature.SIFT


def scikit_image_positions(xy: ArrayLike, upsampling: int = 1) -> Floats:
    """``SIFT.positions``: (row, column).

    Parameters
    ----------
    xy : array_like, (N, 2)
    upsampling : {1, 2, 4}, default 1
        1 gives true positions. Those that scikit-image finds after its own upsampling by 2 (its
        default) are 0.25 px too large in both, by 4 they are 0.375 px; name the factor to have
        that bias added.
    """
    return np.asarray(xy, np.float64)[..., ::-1] + _upsampling_bias(upsampling)


def xy_from_scikit_image(positions: ArrayLike, upsampling: int = 1) -> Floats:
    """X and y of ``SIFT.positions``, less the bias of its `upsampling`."""
    return np.asarray(positions, np.float64)[..., ::-1] - _upsampling_bias(upsampling)


def _upsampling_bias(factor: int) -> float:
    # It resizes on the grid of pixel areas and reads positions off the grid of pixel centres.
    return 0.5 * (1.0 - 1.0 / factor)


def scikit_image_angle(angle: ArrayLike) -> Floats:
    """``SIFT.orientations``: radians from +y towards +x, in (-pi, pi]."""
    return _half_turns(0.5 * np.pi - np.asarray(angle, np.float64))


def angle_from_scikit_image(orientation: ArrayLike) -> Floats:
    """Radians from +x towards +y of ``SIFT.orientations``."""
    return wrap_angle(0.5 * np.pi - np.asarray(orientation, np.float64))


# VLFeat: its C library has our positions, sigmas and angles


def vlfeat_matlab_xy(xy: ArrayLike) -> Floats:
    """Positions in VLFeat's MATLAB functions, which count from 1.

    Their angle is ours: the wrapper works on the transposed image, and turns the angle back.
    """
    return np.asarray(xy, np.float64) + 1.0


def xy_from_vlfeat_matlab(xy: ArrayLike) -> Floats:
    """Positions of VLFeat's MATLAB functions, from 0."""
    return np.asarray(xy, np.float64) - 1.0


# Lowe's .key files


def lowe_row_column(xy: ArrayLike) -> Floats:
    """Positions in a ``.key`` file: row, then column."""
    return np.asarray(xy, np.float64)[..., ::-1].copy()


def xy_from_lowe(row_column: ArrayLike) -> Floats:
    """X and y of a ``.key`` file's row and column."""
    return np.asarray(row_column, np.float64)[..., ::-1].copy()


def lowe_angle(angle: ArrayLike) -> Floats:
    """Angles in a ``.key`` file: counter-clockwise on the screen, in (-pi, pi]."""
    return _half_turns(-np.asarray(angle, np.float64))


def angle_from_lowe(angle: ArrayLike) -> Floats:
    """Radians in [0, 2 pi), clockwise, of a ``.key`` file's angles."""
    return wrap_angle(-np.asarray(angle, np.float64))


# Oxford (VGG) and hesaff files


def oxford_ellipse(sigma: ArrayLike, magnification: float = 3.0 * np.sqrt(3.0)) -> Floats:
    """a, b and c of the circle of a keypoint, (N, 3): ``a x^2 + 2 b x y + c y^2 = 1``.

    Parameters
    ----------
    sigma : array_like, (N,)
    magnification : float, default ``3 sqrt(3)``
        Radius over sigma. The default is hesaff's.
    """
    inverse = 1.0 / (magnification * np.asarray(sigma, np.float64)) ** 2
    return np.stack([inverse, np.zeros_like(inverse), inverse], axis=-1)


def sigma_from_oxford_ellipse(
    ellipse: ArrayLike, magnification: float = 3.0 * np.sqrt(3.0)
) -> Floats:
    """Sigma of the circle that has the ellipse's area.

    The ellipse's elongation and direction are lost: a `Features` row is a circle.
    """
    a, b, c = np.moveaxis(np.asarray(ellipse, np.float64), -1, 0)
    return np.asarray((a * c - b * b) ** -0.25 / magnification)


def map_from_xy(xy: ArrayLike, transform: Sequence[float]) -> Floats:
    """Map coordinates (N, 2) float64 of pixels: easting and northing, or longitude and latitude.

    Parameters
    ----------
    xy : array_like, (N, 2)
        Column and row, pixel centres at integers.
    transform : affine.Affine or sequence of 6 float
        a, b, c, d, e, f of ``X = a x + b y + c`` and ``Y = d x + e y + f``, whose origin is the
        corner of the first pixel: ``dataset.transform`` or ``dataset.window_transform(window)``
        of rasterio.
    """
    a, b, c, d, e, f = (float(number) for number in tuple(transform)[:6])
    corner = np.asarray(xy, np.float64).reshape(-1, 2) + 0.5
    return np.asarray(corner @ np.array([[a, d], [b, e]]) + (c, f))


def xy_from_map(points: ArrayLike, transform: Sequence[float]) -> Floats:
    """Column and row (N, 2) of map coordinates: the inverse of `map_from_xy`."""
    a, b, c, d, e, f = (float(number) for number in tuple(transform)[:6])
    shifted = np.asarray(points, np.float64).reshape(-1, 2) - (c, f)
    return np.asarray(shifted @ np.linalg.inv(np.array([[a, d], [b, e]])) - 0.5)


def to_kornia_lafs(
    xy: NDArray[np.float32],
    sigma: NDArray[np.float32],
    angle: NDArray[np.float32],
    mr_size: float = 6.0,
) -> NDArray[np.float32]:
    """Local affine frames (N, 2, 3) float32 of scale ``mr_size * sigma``.

    kornia's orientation, ``atan2(A[0, 1], A[0, 0])`` in degrees, has the opposite sign to `angle`.
    """
    cos, sin = np.cos(angle, dtype=np.float64), np.sin(angle, dtype=np.float64)
    scale = mr_size * sigma.astype(np.float64)
    lafs = np.empty((len(xy), 2, 3), np.float32)
    lafs[:, 0, 0] = lafs[:, 1, 1] = scale * cos
    lafs[:, 0, 1], lafs[:, 1, 0] = -scale * sin, scale * sin
    lafs[:, :, 2] = xy
    return lafs


def from_kornia_lafs(
    lafs: NDArray[np.float32], mr_size: float = 6.0
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Position, sigma and angle in [0, 2 pi) of (N, 2, 3) frames; an affine shape is dropped."""
    a = lafs[:, :, :2].astype(np.float64)
    sigma = np.sqrt(np.abs(a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0])) / mr_size
    angle = np.mod(-np.arctan2(a[:, 0, 1], a[:, 0, 0]), 2 * np.pi).astype(np.float32)
    # Rounding to float32 may reach 2 pi itself.
    angle[angle >= np.float32(2 * np.pi)] = 0.0
    return lafs[:, :, 2].astype(np.float32), sigma.astype(np.float32), angle
