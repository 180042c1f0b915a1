"""Overlap of image regions under a homography.

Mikolajczyk, Tuytelaars, Schmid, Zisserman, Matas, Schaffalitzky, Kadir, Van Gool: A Comparison of
Affine Region Detectors, IJCV 2005: its measure of repeatability.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.metrics.homographies import transfer

__all__ = ["NORMALISED_RADIUS", "intersection_with_circle", "local_affine", "overlap_errors"]

# Pixels. Every region of image a is scaled to this radius before areas are compared.
NORMALISED_RADIUS = 30.0
# Chords across the intersection; its area is then right to 0.001 of the unit circle's.
_CHORDS = 64


def local_affine(homography: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jacobian of a homography at points, (N, 2, 2).

    Parameters
    ----------
    homography : ndarray, (3, 3) float64
    xy : ndarray, (N, 2) float64
    """
    moved = np.c_[xy, np.ones(len(xy))] @ homography.T
    at = moved[:, :2] / moved[:, 2:]
    outer = at[:, :, None] * homography[None, None, 2, :2]
    return np.asarray((homography[None, :2, :2] - outer) / moved[:, 2, None, None])


def intersection_with_circle(
    shapes: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area that ellipses share with the unit circle about the origin, to 0.001 pi.

    Parameters
    ----------
    shapes : ndarray, (N, 2, 2) float64
        ``M``: the ellipse is ``{M u + c : |u| <= 1}``.
    centres : ndarray, (N, 2) float64
        ``c``.

    Returns
    -------
    ndarray, (N,) float64
    """
    second = shapes @ shapes.transpose(0, 2, 1)
    moments = np.stack([second[:, 0, 0], second[:, 0, 1], second[:, 1, 1]], axis=1)
    return np.asarray(_intersections(moments, np.ascontiguousarray(centres, np.float64), _CHORDS))


@njit(cache=True, nogil=True)
def _intersections(
    moments: NDArray[np.float64], centres: NDArray[np.float64], chords: int
) -> NDArray[np.float64]:
    area = np.zeros(len(moments))
    for n in range(len(moments)):
        xx, xy, yy = moments[n]
        cx, cy = centres[n]
        reach = np.sqrt(xx)
        low, high = max(-1.0, cx - reach), min(1.0, cx + reach)
        if low >= high:
            continue
        # Vertical chords of the ellipse, from the inverse of its second moments.
        determinant = xx * yy - xy * xy
        slope = xy / xx
        height = np.sqrt(determinant) / xx
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        total = 0.0
        for k in range(chords):
            # In x itself the chords start like a square root, which no rule integrates well.
            angle = np.pi * ((k + 0.5) / chords - 0.5)
            x = middle + half * np.sin(angle)
            own = np.sqrt(max(0.0, 1.0 - x * x))
            away = x - cx
            other = height * np.sqrt(max(0.0, xx - away * away))
            at = cy + slope * away
            common = min(own, at + other) - max(-own, at - other)
            total += max(0.0, common) * np.cos(angle)
        area[n] = total * half * np.pi / chords
    return area


def overlap_errors(
    xy_a: NDArray[np.float64],
    sigma_a: NDArray[np.float64],
    xy_b: NDArray[np.float64],
    sigma_b: NDArray[np.float64],
    homography: NDArray[np.float64],
) -> NDArray[np.float64]:
    """One minus intersection over union of circular regions, pair by pair.

    A region's radius is proportional to its sigma; to what proportion does not matter. Image b's
    circle becomes an ellipse of image a by the local affine approximation of the homography. Both
    are then scaled so that image a's has a radius of 30 pixels, while the distance of their
    centres stays as it is: without that, large regions would overlap at any error of position.

    Parameters
    ----------
    xy_a, xy_b : ndarray, (N, 2) float64
        Centres, each in pixels of its image.
    sigma_a, sigma_b : ndarray, (N,) float64
        Pixels.
    homography : ndarray, (3, 3) float64
        ``b ~ H a``.

    Returns
    -------
    ndarray, (N,) float64
        In [0, 1].
    """
    if not len(xy_a):
        return np.zeros(0)
    back = np.linalg.inv(homography)
    shapes = local_affine(back, xy_b) * (sigma_b / sigma_a)[:, None, None]
    centres = (transfer(back, xy_b) - xy_a) / NORMALISED_RADIUS
    common = intersection_with_circle(shapes, centres)
    together = np.pi * (1.0 + np.abs(np.linalg.det(shapes))) - common
    return np.asarray(np.clip(1.0 - common / together, 0.0, 1.0))
