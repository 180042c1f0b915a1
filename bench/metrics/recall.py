"""Which keypoints come back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from siftcore.types import Features

__all__ = ["DISTANCE", "SCALE_RATIO", "recalled"]

# Pixels of the high-resolution image.
DISTANCE = 1.5
SCALE_RATIO = 1.23


def recalled(wanted: Features, found: Features) -> NDArray[np.bool_]:
    """Which wanted keypoints have one within 1.5 pixels and a scale ratio of 1.23, (N,).

    Parameters
    ----------
    wanted, found : Features
        On the same grid. Swapped, the function says which found keypoints are true.
    """
    if not len(wanted) or not len(found):
        return np.zeros(len(wanted), np.bool_)
    reach = KDTree(wanted.xy).sparse_distance_matrix(
        KDTree(found.xy), DISTANCE, output_type="coo_matrix"
    )
    ratio = np.abs(np.log(found.sigma[reach.col] / wanted.sigma[reach.row]))
    hit = np.zeros(len(wanted), np.bool_)
    hit[reach.row[ratio <= np.log(SCALE_RATIO)]] = True
    return hit
