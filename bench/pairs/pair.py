"""Two images, and what is known of their geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import siftcore
from siftcore.errors import InputError

__all__ = ["ImagePair", "grey_image", "reducible_image"]


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


def grey_image(source: Any) -> NDArray[np.uint8]:
    """An image as siftcore reads it, in 8 bits."""
    return np.rint(255.0 * siftcore.load_image(source)).astype(np.uint8)


def reducible_image(path: Path, scale: int) -> NDArray[np.uint8]:
    """`grey_image` of a file; an InputError where reducing it by `scale` leaves no pixel."""
    image = grey_image(path)
    if min(image.shape) < scale:
        height, width = image.shape
        raise InputError(f"{width} x {height} pixels are too few to reduce by {scale}")
    return image
