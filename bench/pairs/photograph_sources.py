"""Photographs of a user's folder, or those that scikit-image ships."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import data

from bench.session import Session
from dognets.data.images import find_images
from siftcore.errors import InputError
from siftcore.image import load_image

__all__ = ["SHIPPED", "read_photographs", "source_name"]

_WARPED = (
    "astronaut", "camera", "coffee", "hubble_deep_field", "immunohistochemistry", "retina",
    "rocket", "stereo_motorcycle",
)  # fmt: skip
# Published results of `bench warps` without --images are of the former alone.
SHIPPED = (
    *_WARPED, "brick", "cell", "chelsea", "clock", "coins", "grass", "gravel", "moon", "page",
    "text",
)  # fmt: skip
_ALL_SHIPPED = Path("skimage")


def source_name(source: Path | None) -> str:
    """As a report's settings have it."""
    return "scikit-image" if source is None else source.name


def read_photographs(
    source: Path | None, session: Session, count: int, size: tuple[int, int] = (1, 1)
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Grey photographs with their names; what cannot be used is skipped and noted in `session`.

    Parameters
    ----------
    source : path, optional
        A folder, in any subfolders of which photographs lie; `count` of them are drawn. The word
        ``skimage``, if there is no such folder: all of `SHIPPED`, in their order. By default the
        eight of these that are larger.
    session : Session
    count : int
        At most so many.
    size : (int, int)
        Width and height that a photograph must have.

    Yields
    ------
    str, ndarray (H, W) float32
        Intensities in [0, 1].

    Raises
    ------
    DataError
        When the folder is missing or has no image.
    """
    shipped = source is None or (source == _ALL_SHIPPED and not source.is_dir())

    def read(path: Path) -> NDArray[np.float32]:
        grey = _shipped(path.name) if shipped else load_image(path)
        height, width = grey.shape
        if width < size[0] or height < size[1]:
            raise InputError(f"{width} x {height} is smaller than a view, {size[0]} x {size[1]}")
        return grey

    if shipped:
        paths = [Path(name) for name in (_WARPED if source is None else SHIPPED)]
    else:
        there = find_images(source)
        # Folders are often in order of their subjects.
        paths = [there[i] for i in np.random.default_rng(session.seed).permutation(len(there))]
    for path, grey in islice(session.readable(paths, read), count):
        yield path.name, grey


def _shipped(name: str) -> NDArray[np.float32]:
    found = getattr(data, name)()
    return load_image(found[0] if isinstance(found, tuple) else found)
