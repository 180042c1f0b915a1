"""Single images of a folder, and their reduced versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.session import Session
from dognets.data.degradation import to_8_bits
from dognets.data.images import find_images, reduce_bicubic
from siftcore.errors import InputError

__all__ = ["SMALLEST_SIDE", "cropped", "read_images", "reduced_image"]

# Enough for the border that scores leave out, and for twelve samples of an image reduced by 4.
SMALLEST_SIDE = 48
Array = TypeVar("Array", bound=NDArray[Any])


def read_images(
    folder: Path, read: Callable[[Path], Array], session: Session, limit: int | None = None
) -> Iterator[Array]:
    """Each image below `folder`; what cannot be used is skipped and noted in `session`.

    Parameters
    ----------
    folder : path
    read : callable
        A path to an (H, W) array.
    session : Session
    limit : int, optional
        Look at so many files only, the first by name.

    Raises
    ------
    DataError
        When there is no such folder, or no image in it.
    InputError
        When none of the images could be used.
    """
    paths = find_images(folder)[:limit]

    def read_usable(path: Path) -> Array:
        image = read(path)
        _check(image)
        return image

    n_read = 0
    for _, image in session.readable(session.track(paths, folder.name), read_usable):
        n_read += 1
        yield image
    if not n_read:
        raise session.nothing_left("image")


def _check(image: NDArray[Any]) -> None:
    height, width = image.shape
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"an image must have sides of {SMALLEST_SIDE} pixels or more; got {width} x {height}"
        )
    if np.ptp(image) == 0:
        raise InputError("an image of one grey value has no spectrum and no range to score by")


def cropped(image: Array, scale: int) -> Array:
    """`image` without the last rows and columns that `scale` does not divide."""
    height, width = (n // scale * scale for n in image.shape)
    return image[:height, :width]


def reduced_image(image: NDArray[Any], scale: int) -> NDArray[np.float32]:
    """What a provider is given: reduced by antialiased bicubic filtering, rounded to 8 bits.

    Parameters
    ----------
    image : ndarray, (s H, s W)
        Intensities in [0, 255].
    scale : int
        s

    Returns
    -------
    ndarray, (H, W) float32
        Multiples of 1 / 255 in [0, 1].
    """
    low = to_8_bits(reduce_bicubic(image.astype(np.float32), scale))
    return low.astype(np.float32) / np.float32(255.0)
