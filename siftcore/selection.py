"""Which keypoints are kept under a budget, and in which order they come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siftcore.types import Features
from siftcore.validation import check_integer

__all__ = ["check_budget", "order", "spread_out"]


def check_budget(max_keypoints: object) -> int | None:
    """The budget as an integer, or None for all."""
    if max_keypoints is None:
        return None
    return check_integer("max_keypoints", max_keypoints, 1, 2**31 - 1)


def order(
    xy: NDArray[np.float32],
    sigma: NDArray[np.float32],
    angle: NDArray[np.float32],
    response: NDArray[np.float32],
    octave: NDArray[np.int16],
) -> NDArray[np.intp]:
    """Indices by descending response; ties by y, x, sigma, angle, octave."""
    return np.lexsort((octave, angle, sigma, xy[:, 0], xy[:, 1], -response))


def spread_out(features: Features, n: int) -> NDArray[np.intp]:
    """Indices of exactly min(n, N) keypoints, chosen over a grid.

    The image is cut into about `n` square cells. The strongest of every cell come first, then
    every second-strongest, and so on; the last round, which does not fit whole, by response.

    Parameters
    ----------
    features : Features
        In their final order, strongest first.
    n : int
        At least 1.

    Returns
    -------
    ndarray, (min(n, N),) intp
        Ascending, so that the final order is kept.
    """
    width, height = features.image_size
    side = max(1.0, (width * height / n) ** 0.5)
    columns = int(np.ceil(width / side))
    # Keypoints of the outer half pixel fall into the first or last cell.
    cells = np.floor(np.clip(features.xy, 0.0, (width - 1, height - 1)) / side).astype(np.int64)
    cell = cells[:, 1] * columns + cells[:, 0]
    by_cell = np.argsort(cell, kind="stable")
    sorted_cell = cell[by_cell]
    first_of_cell = np.searchsorted(sorted_cell, sorted_cell, side="left")
    rank = np.empty(len(features), np.int64)
    rank[by_cell] = np.arange(len(features)) - first_of_cell
    return np.sort(np.argsort(rank, kind="stable")[:n])
