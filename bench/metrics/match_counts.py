"""How many matches a pair of images has, and how many of them its geometry confirms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.homographies import is_plausible, match_errors
from siftcore.matching import match_features
from siftcore.types import Features
from siftcore.verification import DEFAULT_MAX_ERROR, estimate_geometry

__all__ = ["EPIPOLAR_ERROR", "HOMOGRAPHY_ERROR", "RATIO", "MatchCounts", "count_matches"]

# Lowe 2004, section 7.1.
RATIO = 0.8
# Pixels of the second image.
HOMOGRAPHY_ERROR = 3.0
EPIPOLAR_ERROR = DEFAULT_MAX_ERROR["fundamental"]


@dataclass(frozen=True)
class MatchCounts:
    """Of one pair.

    Attributes
    ----------
    keypoints : float
        Mean of the two images.
    matches : int
        Mutual nearest neighbours that pass the ratio test.
    verified : int
        Those within 3 px of the known homography; without one, inliers of the epipolar geometry
        that the matches themselves give, at a Sampson distance of 2 px.
    plausible : bool
        False where the matches speak for the inverse of the known homography.
    """

    keypoints: float
    matches: int
    verified: int
    plausible: bool


def count_matches(
    a: Features, b: Features, homography: NDArray[np.float64] | None = None
) -> MatchCounts:
    """Match two images with each other.

    Parameters
    ----------
    a, b : Features
        In pixels of the high-resolution images, whatever they were found in.
    homography : ndarray, (3, 3) float64, optional
        ``b ~ H a``.
    """
    matches = match_features(a, b, ratio=RATIO, mutual=True)
    plausible = True
    if homography is None:
        i, j = matches.indices.T
        _, inliers = estimate_geometry(a.xy[i], b.xy[j], "fundamental", EPIPOLAR_ERROR)
        verified = int(inliers.sum())
    else:
        verified = int((match_errors(a, b, matches, homography) <= HOMOGRAPHY_ERROR).sum())
        plausible = is_plausible(homography, a, b, matches)
    return MatchCounts((len(a) + len(b)) / 2.0, len(matches), verified, plausible)
