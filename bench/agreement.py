"""How far two sets of keypoints agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["KeypointSet", "angle_difference", "nearest_agreeing"]

KeypointSet = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None
]  # xy (N, 2) pixels, sigma (N,) pixels, angle (N,) radians or None


def angle_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """``a - b`` in radians, in [-pi, pi)."""
    return (a - b + np.pi) % (2.0 * np.pi) - np.pi


def nearest_agreeing(
    wanted: KeypointSet,
    offered: KeypointSet,
    *,
    pixels: float,
    sigma_ratio: float,
    angle_deg: float | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each wanted keypoint the nearest offered one that agrees with it.

    Parameters
    ----------
    wanted, offered : KeypointSet
    pixels : float
        Largest distance.
    sigma_ratio : float
        Largest ratio of the sigmas, either way.
    angle_deg : float, optional
        Largest difference of the angles, in degrees.

    Returns
    -------
    index : ndarray, (N,) intp
        Row of `offered`; -1 where none agrees.
    distance : ndarray, (N,) float64
        In pixels; NaN where none agrees.
    """
    index = np.full(len(wanted[0]), -1, np.intp)
    distance = np.full(len(wanted[0]), np.nan)
    if len(wanted[0]) == 0 or len(offered[0]) == 0:
        return index, distance
    near = cKDTree(offered[0]).query_ball_point(wanted[0], pixels)
    for i, rows in enumerate(near):
        rows = np.asarray(rows, np.intp)
        log_ratio = np.abs(np.log(offered[1][rows] / wanted[1][i]))
        rows = rows[log_ratio <= np.log(sigma_ratio)]
        if angle_deg is not None and wanted[2] is not None and offered[2] is not None:
            turned = np.abs(angle_difference(offered[2][rows], wanted[2][i]))
            rows = rows[turned <= np.deg2rad(angle_deg)]
        if len(rows) == 0:
            continue
        away = np.linalg.norm(offered[0][rows] - wanted[0][i], axis=1)
        index[i], distance[i] = rows[away.argmin()], away.min()
    return index, distance
