"""Comparing two lists of keypoints: the measure that golden, property and reference tests share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Agreement(NamedTuple):
    """`found` marks the wanted keypoints that came back; `distance` (px) belongs to those."""

    found: NDArray[np.bool_]
    distance: Array

    @property
    def share(self) -> float:
        return float(self.found.mean()) if len(self.found) else 1.0


def table(features: object) -> Array:
    """Rows of (x, y, sigma, angle) of a Features."""
    columns = (features.xy[:, 0], features.xy[:, 1], features.sigma, features.angle)
    return np.stack(columns, axis=1).astype(np.float64)


def angle_difference(a: Array | float, b: Array | float) -> Array:
    """Smallest turn from b to a, radians, in [-pi, pi)."""
    return (np.asarray(a) - b + math.pi) % (2 * math.pi) - math.pi


def agreement(
    wanted: Array, got: Array, *, px: float = 0.05, sigma: float = 0.01, angle_deg: float = 1.0
) -> Agreement:
    """Which wanted keypoints have one in `got` within px, a share of sigma, and angle_deg."""
    found = np.zeros(len(wanted), bool)
    distance = np.full(len(wanted), np.inf)
    for i, (x, y, s, angle) in enumerate(wanted):
        d = np.hypot(got[:, 0] - x, got[:, 1] - y)
        close = (d <= px) & (np.abs(got[:, 2] / s - 1) <= sigma)
        close &= np.abs(angle_difference(got[:, 3], angle)) <= math.radians(angle_deg)
        if close.any():
            found[i] = True
            distance[i] = d[close].min()
    return Agreement(found, distance[found])


def correlations(a: Array, b: Array) -> Array:
    """Pearson correlation of each row of a with the same row of b."""
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / norms
