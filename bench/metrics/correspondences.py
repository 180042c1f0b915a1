"""Which keypoints of two images are the same place of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bench.metrics.homographies import transfer
from bench.metrics.overlap import NORMALISED_RADIUS, local_affine, overlap_errors
from bench.metrics.recall import SCALE_RATIO
from siftcore.types import Features

__all__ = ["DISTANCE", "OVERLAP_ERROR", "Regions", "common_regions", "near", "overlapping"]

OVERLAP_ERROR = 0.4
# Pixels of image b.
DISTANCE = 3.0
# Two regions of equal size overlap well enough up to 0.40 radii apart. One that is smaller or
# larger by the most that is allowed may lie further; half of it is beyond the line through its
# centre, which bounds that at 0.56.
_REACH = 0.56 * NORMALISED_RADIUS
# Keypoints that differ in their angle only are one region; some programs round on the way.
_SAME_PLACE = 1e-2
_SAME_SIGMA = 1e-2


@dataclass(frozen=True)
class Regions:
    """Distinct circular regions in the part of the scene that both images show.

    Attributes
    ----------
    xy : ndarray, (R, 2) float64
        Centres, pixels of the image they were found in.
    moved : ndarray, (R, 2) float64
        Centres in the other image.
    sigma : ndarray, (R,) float64
        Pixels of the image they were found in.
    sigma_moved : ndarray, (R,) float64
        Sigma in the other image, by the local change of area.
    of_feature : ndarray, (N,) intp
        The region of each feature; -1 outside the common part.
    """

    xy: NDArray[np.float64]
    moved: NDArray[np.float64]
    sigma: NDArray[np.float64]
    sigma_moved: NDArray[np.float64]
    of_feature: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.xy)


def common_regions(
    features: Features, homography: NDArray[np.float64], other_size: tuple[int, int]
) -> Regions:
    """Regions whose centre the other image shows, each once.

    Parameters
    ----------
    features : Features
    homography : ndarray, (3, 3) float64
        From the features' image to the other.
    other_size : (int, int)
        Width and height of the other image.
    """
    moved = transfer(homography, features.xy)
    width, height = other_size
    inside = ((moved >= -0.5) & (moved < (width - 0.5, height - 0.5))).all(axis=1)
    seen = np.flatnonzero(inside)
    keys = np.c_[features.xy[seen] / _SAME_PLACE, np.log(features.sigma[seen]) / _SAME_SIGMA]
    _, first, number = np.unique(
        np.rint(keys).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    of_feature = np.full(len(features), -1, np.intp)
    of_feature[seen] = number.ravel()
    chosen = seen[first]
    xy = features.xy[chosen].astype(np.float64)
    sigma = features.sigma[chosen].astype(np.float64)
    area = np.abs(np.linalg.det(local_affine(homography, xy)))
    return Regions(xy, moved[chosen], sigma, sigma * np.sqrt(area), of_feature)


def overlapping(a: Regions, b: Regions, homography: NDArray[np.float64]) -> int:
    """Pairs of regions with an overlap error of at most 40 %, one-to-one, least error first.

    The repeatability of Mikolajczyk et al. 2005 counts these.
    """
    i, j, _ = _candidates(a.xy, b.moved, _REACH)
    # Regions whose areas differ by more cannot overlap well enough.
    close = np.abs(np.log(a.sigma[i] / b.sigma_moved[j])) <= -0.5 * np.log(1.0 - OVERLAP_ERROR)
    i, j = i[close], j[close]
    error = overlap_errors(a.xy[i], a.sigma[i], b.xy[j], b.sigma[j], homography)
    kept = error <= OVERLAP_ERROR
    return _one_to_one(i[kept], j[kept], error[kept], len(a), len(b))


def near(a: Regions, b: Regions) -> int:
    """Pairs within 3 pixels of image b and a scale ratio of 1.23, one-to-one, nearest first."""
    i, j, distance = _candidates(a.moved, b.xy, DISTANCE)
    kept = np.abs(np.log(a.sigma_moved[i] / b.sigma[j])) <= np.log(SCALE_RATIO)
    return _one_to_one(i[kept], j[kept], distance[kept], len(a), len(b))


def _candidates(
    a: NDArray[np.float64], b: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    if not len(a) or not len(b):
        nobody = np.zeros(0, np.intp)
        return nobody, nobody, np.zeros(0)
    found = KDTree(a).sparse_distance_matrix(KDTree(b), reach, output_type="ndarray")
    return found["i"], found["j"], found["v"]


def _one_to_one(
    i: NDArray[np.intp], j: NDArray[np.intp], cost: NDArray[np.float64], n_a: int, n_b: int
) -> int:
    # Ties by number, because the order in which a tree finds neighbours is its own affair.
    order = np.lexsort((j, i, cost))
    return int(_count(i[order], j[order], np.zeros(n_a, np.bool_), np.zeros(n_b, np.bool_)))


@njit(cache=True, nogil=True)
def _count(
    i: NDArray[np.intp], j: NDArray[np.intp], used_a: NDArray[np.bool_], used_b: NDArray[np.bool_]
) -> int:
    count = 0
    for k in range(len(i)):
        if not used_a[i[k]] and not used_b[j[k]]:
            used_a[i[k]] = used_b[j[k]] = True
            count += 1
    return count
