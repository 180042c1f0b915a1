"""Errors against a known homography, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.types import Features, Matches
from siftcore.verification import estimate_geometry

__all__ = [
    "auc",
    "auc_shares",
    "corner_error",
    "estimated_corner_error",
    "is_plausible",
    "match_errors",
    "transfer",
]


def transfer(homography: NDArray[np.float64], xy: ArrayLike) -> NDArray[np.float64]:
    """Points (N, 2) through a homography; infinite where they leave the plane's front side."""
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    moved = np.c_[points, np.ones(len(points))] @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = moved[:, :2] / moved[:, 2:]
    found[moved[:, 2] <= 0] = np.inf
    return found


def match_errors(
    a: Features, b: Features, matches: Matches, homography: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance in pixels of b between each match and where the homography puts it, (M,)."""
    i, j = matches.indices.T
    moved = transfer(homography, a.xy[i])
    error = np.linalg.norm(np.where(np.isfinite(moved), moved, 1e9) - b.xy[j], axis=1)
    return np.asarray(error, np.float64)


def corner_error(
    found: NDArray[np.float64] | None, true: NDArray[np.float64], size: tuple[int, int]
) -> float:
    """Mean distance in pixels of b of the four corners of a; infinite where nothing was found.

    Parameters
    ----------
    found, true : ndarray, (3, 3)
    size : (int, int)
        Width and height of a.
    """
    if found is None:
        return np.inf
    w, h = size
    corners = np.array([(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)], np.float64)
    apart = transfer(found, corners) - transfer(true, corners)
    error = float(np.linalg.norm(apart, axis=1).mean())
    return error if np.isfinite(error) else np.inf


def estimated_corner_error(
    a: Features,
    b: Features,
    matches: Matches,
    homography: NDArray[np.float64],
    max_error: float = 3.0,
) -> float:
    """Corner error of the homography that PoseLib finds from the matches, pixels of b."""
    i, j = matches.indices.T
    found, _ = estimate_geometry(a.xy[i], b.xy[j], "homography", max_error)
    return corner_error(found, homography, a.image_size)


def auc(errors: ArrayLike, thresholds: Sequence[float]) -> NDArray[np.float64]:
    """Area under the recall curve up to each threshold, divided by it.

    The curve is exact, not sampled: ``mean(max(0, 1 - error / threshold))`` over all pairs, which
    is the area under the step function of recall.

    Parameters
    ----------
    errors : array_like, (N,)
        Infinite where a pair failed.
    thresholds : sequence of float
    """
    shares = auc_shares(errors, thresholds)
    return np.asarray(shares.mean(axis=0)) if len(shares) else np.full(len(thresholds), np.nan)


def auc_shares(errors: ArrayLike, thresholds: Sequence[float]) -> NDArray[np.float64]:
    """What each pair adds to `auc`, whose mean they have, (N, thresholds).

    Parameters
    ----------
    errors : array_like, (N,)
        Infinite where a pair failed.
    thresholds : sequence of float
    """
    found = np.asarray(errors, np.float64).reshape(-1, 1)
    return np.asarray(np.maximum(0.0, 1.0 - found / np.asarray(thresholds, np.float64)))


def is_plausible(
    homography: NDArray[np.float64], a: Features, b: Features, matches: Matches
) -> bool:
    """Whether the matches do not speak for the inverse instead.

    A homography that is fed the wrong way round explains next to no match; its inverse does. One
    that is nearly the identity explains as much either way, and passes.
    """
    if len(matches) < 8:
        return True
    inverse = np.linalg.inv(homography)
    forward = (match_errors(a, b, matches, homography) <= 5.0).sum()
    backward = (match_errors(a, b, matches, inverse / inverse[2, 2]) <= 5.0).sum()
    return bool(backward < 8 or 2 * forward >= backward)
