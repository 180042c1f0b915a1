"""Real photographs at a wanted size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from siftcore.image import load_image

__all__ = ["colour_photographs", "motorcycle_pair", "photographs", "reduced", "shrunk"]

Pixel = TypeVar("Pixel", np.uint8, np.float32)


def photographs(
    paths: Sequence[Path], width: int, height: int
) -> list[tuple[str, NDArray[np.uint8]]]:
    """Grey photographs of `width` x `height`.

    Parameters
    ----------
    paths : sequence of path
        Each is cropped to the wanted shape and reduced; one that is too small is laid out in
        mirrored copies, so that nothing is ever enlarged and the texture stays that of a
        photograph. Without paths, photographs that scikit-image ships.
    width, height : int

    Returns
    -------
    list of (name, ndarray (height, width) uint8)
    """
    if paths:
        named = [(path.name, load_image(path)) for path in paths]
    else:
        named = [
            ("motorcycle", load_image(data.stereo_motorcycle()[0])),
            ("coffee", load_image(data.coffee())),
            ("hubble", load_image(data.hubble_deep_field())),
        ]
    return [(name, _fitted(grey, width, height)) for name, grey in named]


def colour_photographs(
    paths: Sequence[Path], width: int, height: int
) -> list[tuple[str, NDArray[np.uint8]]]:
    """The same in colour, (height, width, 3)."""
    if paths:
        named = [(path.name, _rgb(path)) for path in paths]
    else:
        named = [
            ("motorcycle", data.stereo_motorcycle()[0]),
            ("coffee", data.coffee()),
            ("hubble", data.hubble_deep_field()),
        ]
    return [
        (name, np.dstack([_fitted(load_image(c), width, height) for c in np.moveaxis(rgb, 2, 0)]))
        for name, rgb in named
    ]


def _rgb(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def _fitted(grey: NDArray[np.float32], width: int, height: int) -> NDArray[np.uint8]:
    rows, columns = grey.shape
    scale = max(width / columns, height / rows)
    if scale < 1.0:
        size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
        grey = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))
    else:
        down, across = -(-height // rows), -(-width // columns)
        grey = np.pad(grey, ((0, (down - 1) * rows), (0, (across - 1) * columns)), "symmetric")
    return np.rint(255.0 * grey[:height, :width].clip(0.0, 1.0)).astype(np.uint8)


def reduced(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The image reduced by antialiased bicubic filtering, in 8 bits."""
    height, width = image.shape[:2]
    picture = Image.fromarray(image[: height // factor * factor, : width // factor * factor])
    size = (width // factor, height // factor)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def shrunk(image: NDArray[Pixel], side: int) -> NDArray[Pixel]:
    """The grey image, its longer side reduced to `side` where it is longer."""
    height, width = image.shape
    factor = side / max(height, width)
    if factor >= 1.0:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def motorcycle_pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """The Middlebury 2014 motorcycle pair that scikit-image ships.

    Returns
    -------
    left, right : ndarray, (500, 741, 3) uint8
    disparity : ndarray, (500, 741) float32
        ``x_right = x_left - disparity``, pixels; infinite where unknown.
    """
    left, right, disparity = data.stereo_motorcycle()
    return left, right, disparity
