"""How far keypoints of two views are from what the known geometry makes of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bench.metrics.homographies import transfer
from bench.metrics.overlap import local_affine
from siftcore.types import Features

__all__ = ["DISTANCE", "LocalErrors", "SCALE_RATIO", "local_errors"]

# Of what is still the same keypoint: pixels of image b, and a ratio of sigmas.
DISTANCE = 3.0
SCALE_RATIO = 1.5


@dataclass(frozen=True)
class LocalErrors:
    """Of the keypoints that both views have, N of them.

    Attributes
    ----------
    offset : ndarray, (N, 2) float64
        Image b's position less the one expected from image a's; pixels of image b.
    jacobian : ndarray, (N, 2, 2) float64
        Of the homography, at image a's position.
    scale : ndarray, (N,) float64
        log2 of image b's sigma over the expected one.
    angle : ndarray, (N,) float64
        Image b's angle less the expected one; radians in [-pi, pi].
    """

    offset: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    scale: NDArray[np.float64]
    angle: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scale)


def local_errors(a: Features, b: Features, homography: NDArray[np.float64]) -> LocalErrors:
    """Errors of keypoints that are each other's nearest, in place, scale and angle together.

    Parameters
    ----------
    a, b : Features
    homography : ndarray, (3, 3) float64
        ``b ~ H a``, pixels.

    Returns
    -------
    LocalErrors
    """
    xy = a.xy.astype(np.float64)
    moved = transfer(homography, xy)
    seen = np.flatnonzero(np.isfinite(moved).all(axis=1))
    jacobian = local_affine(homography, xy[seen]) if len(seen) else np.zeros((0, 2, 2))
    along = np.stack([np.cos(a.angle[seen]), np.sin(a.angle[seen])], axis=1)
    # Gradients are covectors: the inverse transpose turns them.
    turned = np.einsum("nji,nj->ni", np.linalg.inv(jacobian), along)
    expected = np.arctan2(turned[:, 1], turned[:, 0])
    sigma = a.sigma[seen] * np.sqrt(np.abs(np.linalg.det(jacobian)))
    i, j = _near(moved[seen], b.xy.astype(np.float64))
    offset = b.xy[j] - moved[seen][i]
    scale = np.log2(b.sigma[j] / sigma[i])
    angle = (b.angle[j] - expected[i] + np.pi) % (2 * np.pi) - np.pi
    # Which of several angles of one place is meant; a tie-breaker between places.
    cost = np.hypot(*offset.T) / DISTANCE + np.abs(scale) + np.abs(angle) / np.pi
    close = np.abs(scale) <= np.log2(SCALE_RATIO)
    both = np.flatnonzero(close)[_mutual(i[close], j[close], cost[close])]
    return LocalErrors(offset[both], jacobian[i[both]], scale[both], angle[both])


def _near(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if not len(a) or not len(b):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    found = KDTree(a).sparse_distance_matrix(KDTree(b), DISTANCE, output_type="ndarray")
    return found["i"].astype(np.intp), found["j"].astype(np.intp)


def _mutual(
    i: NDArray[np.intp], j: NDArray[np.intp], cost: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Candidates that are the best of both their ends."""
    order = np.argsort(cost, kind="stable")
    _, first_i = np.unique(i[order], return_index=True)
    _, first_j = np.unique(j[order], return_index=True)
    return order[np.intersect1d(first_i, first_j)]
