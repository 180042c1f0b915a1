"""Two images, and what is known of their geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import siftcore

__all__ = ["ImagePair", "grey_image"]


@dataclass(frozen=True)
class ImagePair:
    """Image a, image b, and the homography from a to b where it is known.

    Attributes
    ----------
    group : str
        Scene or category; intervals draw whole groups.
    name : str
        Unique in its group.
    a, b : ndarray, (H, W) uint8
    homography : ndarray, (3, 3) float64, or None
        ``b ~ H a``, in pixels with integer centres.
    """

    group: str
    name: str
    a: NDArray[np.uint8]
    b: NDArray[np.uint8]
    homography: NDArray[np.float64] | None = None


def grey_image(path: Path) -> NDArray[np.uint8]:
    """An image file as siftcore reads it, in 8 bits."""
    return np.rint(255.0 * siftcore.load_image(path)).astype(np.uint8)
