"""Pairs with exact homographies: two views of a photograph, one of them changed in a known way.

Both views are sampled from the photograph, which is larger, so that a view which zooms in shows
detail that the other does not have, as a camera would.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data

from bench.metrics.overlap import local_affine
from bench.pairs.pair import ImagePair
from bench.pairs.warp_kinds import KINDS, Homography, about, to_bytes
from bench.session import Session
from bench.store import digest
from dognets.data.images import find_images
from siftcore.errors import InputError
from siftcore.image import load_image

__all__ = ["read_pairs", "render"]

_CODE = ("bench.pairs.synthetic_warps", "bench.pairs.warp_kinds", "bench.metrics.overlap")
_MOST_SAMPLES = 8
_SHIPPED = (
    "astronaut", "camera", "coffee", "hubble_deep_field", "immunohistochemistry", "retina",
    "rocket", "stereo_motorcycle",
)  # fmt: skip


def read_pairs(
    folder: Path | None, session: Session, count: int, size: tuple[int, int]
) -> Iterator[ImagePair]:
    """One pair of each of `KINDS` from each photograph; its name is the kind.

    Parameters
    ----------
    folder : path, optional
        Photographs in any subfolders, of which `count` are drawn; those smaller than `size` and
        those that cannot be read are skipped and noted. By default what scikit-image ships.
    session : Session
    count : int
    size : (int, int)
        Width and height of the views.

    Raises
    ------
    DataError
        When the folder is missing or has no image.
    InputError
        When none can be used.
    """
    used = 0
    photographs = _photographs(folder, session, count, size)
    for name, photograph in session.track(photographs, "photographs", count):
        used += 1
        description = {"photograph": digest(photograph), "size": size, "seed": session.seed}
        views = session.store.get(
            "views", description, partial(_views, photograph, size, session.seed), _CODE
        )
        for kind in KINDS:
            homography = views[f"homography {kind}"]
            yield ImagePair(name, kind, views["first"], views[kind], homography)
    if not used:
        raise session.nothing_left("photograph")


def _photographs(
    folder: Path | None, session: Session, count: int, size: tuple[int, int]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    def read(path: Path) -> NDArray[np.float32]:
        grey = load_image(path) if folder else _shipped(path.name)
        height, width = grey.shape
        if width < size[0] or height < size[1]:
            raise InputError(f"{width} x {height} is smaller than a view, {size[0]} x {size[1]}")
        return grey

    paths = [Path(name) for name in _SHIPPED]
    if folder is not None:
        there = find_images(folder)
        # Folders are often in order of their subjects.
        paths = [there[i] for i in np.random.default_rng(session.seed).permutation(len(there))]
    for path, grey in islice(session.readable(paths, read), count):
        yield path.name, grey


def _shipped(name: str) -> NDArray[np.float32]:
    found = getattr(data, name)()
    return load_image(found[0] if isinstance(found, tuple) else found)


def _views(
    photograph: NDArray[np.float32], size: tuple[int, int], seed: int
) -> dict[str, NDArray[Any]]:
    width, height = size
    rows, columns = photograph.shape
    detail = min(columns / width, rows / height)
    # From coordinates about the centre, in units of half the width, to pixels.
    view = about(width / 2, (width - 1) / 2, (height - 1) / 2)
    scene = about(detail * width / 2, (columns - 1) / 2, (rows - 1) / 2)
    views = {"first": to_bytes(render(photograph, scene @ np.linalg.inv(view), size))}
    # Every photograph has its own angles, whatever else was drawn before.
    seeds = np.random.SeedSequence([seed, zlib.crc32(photograph.data)]).spawn(len(KINDS))
    for (kind, warp), own in zip(KINDS.items(), seeds, strict=True):
        rng = np.random.default_rng(own)
        move = warp.move(rng, detail)
        values = render(photograph, scene @ np.linalg.inv(view @ move), size)
        for spoil in warp.spoil:
            values = spoil(values, rng)
        homography = view @ move @ np.linalg.inv(view)
        views[kind] = to_bytes(values)
        views[f"homography {kind}"] = homography / homography[2, 2]
    return views


def render(
    photograph: NDArray[np.float32], to_photograph: Homography, size: tuple[int, int]
) -> NDArray[np.float64]:
    """A view of a photograph, without aliasing.

    The photograph is interpolated by cubic splines on a finer grid than the view's, at least as
    fine as its own pixels, and reduced by antialiased bicubic filtering. Beyond its border the
    outermost pixels go on, which makes streaks but hardly any keypoint.

    Parameters
    ----------
    photograph : ndarray, (H, W) float32
        Intensities in [0, 1].
    to_photograph : ndarray, (3, 3) float64
        From pixels of the view to pixels of the photograph.
    size : (int, int)
        Width and height of the view.

    Returns
    -------
    ndarray, (height, width) float64
        Grey values of 0 to 255, not rounded or clipped.
    """
    width, height = size
    corners = np.array([(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)], float)
    steps = np.linalg.norm(local_affine(to_photograph, corners), ord=2, axis=(1, 2))
    samples = int(np.clip(np.ceil(steps.max()), 1, _MOST_SAMPLES))
    x = (np.arange(samples * width) + 0.5) / samples - 0.5
    y = (np.arange(samples * height) + 0.5) / samples - 0.5
    h = to_photograph
    depth = h[2, 0] * x + h[2, 1] * y[:, None] + h[2, 2]
    at = [(h[k, 0] * x + h[k, 1] * y[:, None] + h[k, 2]) / depth for k in (1, 0)]
    fine = ndimage.map_coordinates(photograph, at, order=3, mode="nearest", output=np.float32)
    reduced = Image.fromarray(fine).resize(size, Image.Resampling.BICUBIC)
    return 255.0 * np.asarray(reduced, np.float64)
