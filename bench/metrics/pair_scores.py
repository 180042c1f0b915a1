"""Scores of one program on one pair of images with a known homography."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.metrics.correspondences import (
    OVERLAP_ERROR,
    Regions,
    common_regions,
    near,
    overlapping,
)
from bench.metrics.homographies import estimated_corner_error, match_errors
from bench.metrics.overlap import overlap_errors
from siftcore.types import Features, Matches

__all__ = ["ACCURACIES", "PairScores", "score_pair"]

# Pixels of image b.
ACCURACIES = tuple(range(1, 11))


@dataclass(frozen=True)
class PairScores:
    """What is measured on a pair; zero where a program finds nothing to measure.

    Attributes
    ----------
    keypoints : float
        Mean of both images.
    regions : float
        Regions in the common part, of the image with fewer: what the next three are shares of.
    overlap_repeatability, position_repeatability : float
        By an overlap error of at most 40 %; within 3 pixels and a scale ratio of 1.23.
    matching_score : float
        Regions whose descriptors match, and which overlap that well.
    matches : float
        Matches of descriptors: ratio 0.8 and mutual.
    accuracy : tuple of float
        Share of the matches within 1 to 10 pixels of the homography.
    corner_error : float
        Of the homography that PoseLib finds from the matches, pixels; infinite without one.
    """

    keypoints: float
    regions: float
    overlap_repeatability: float
    position_repeatability: float
    matching_score: float
    matches: float
    accuracy: tuple[float, ...]
    corner_error: float

    def as_row(self) -> NDArray[np.float64]:
        """All numbers in order, (17,) float64."""
        *before, accuracy, corner_error = astuple(self)
        return np.array([*before, *accuracy, corner_error], np.float64)

    @classmethod
    def from_row(cls, row: NDArray[np.float64]) -> PairScores:
        """The inverse of `as_row`."""
        *before, corner_error = (float(value) for value in row)
        return cls(*before[:6], tuple(before[6:]), corner_error)


def score_pair(a: Features, b: Features, homography: NDArray[np.float64]) -> PairScores:
    """Scores of a pair.

    Parameters
    ----------
    a, b : Features
    homography : ndarray, (3, 3) float64
        ``b ~ H a``, pixels.

    Returns
    -------
    PairScores
    """
    in_a = common_regions(a, homography, b.image_size)
    in_b = common_regions(b, np.linalg.inv(homography), a.image_size)
    regions = min(len(in_a), len(in_b))
    matches = siftcore.match_features(a, b, ratio=0.8, mutual=True)
    errors = match_errors(a, b, matches, homography)
    share = 1.0 / max(regions, 1)
    return PairScores(
        keypoints=0.5 * (len(a) + len(b)),
        regions=float(regions),
        overlap_repeatability=share * overlapping(in_a, in_b, homography),
        position_repeatability=share * near(in_a, in_b),
        matching_score=share * _matched_regions(in_a, in_b, matches, homography),
        matches=float(len(matches)),
        accuracy=tuple(float((errors <= t).sum()) / max(len(errors), 1) for t in ACCURACIES),
        corner_error=estimated_corner_error(a, b, matches, homography),
    )


def _matched_regions(
    a: Regions, b: Regions, matches: Matches, homography: NDArray[np.float64]
) -> int:
    """Regions, each counted once, whose match overlaps (Mikolajczyk et al. 2005)."""
    i, j = a.of_feature[matches.indices[:, 0]], b.of_feature[matches.indices[:, 1]]
    seen = (i >= 0) & (j >= 0)
    i, j = i[seen], j[seen]
    error = overlap_errors(a.xy[i], a.sigma[i], b.xy[j], b.sigma[j], homography)
    right = error <= OVERLAP_ERROR
    # Two angles of one region may match two regions; neither side counts twice.
    return min(len(np.unique(i[right])), len(np.unique(j[right])))
