"""Pairs with exact homographies: two views of a photograph, one of them changed in a known way.

Both views are sampled from the photograph, which is larger, so that a view which zooms in shows
detail that the other does not have, as a camera would.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.metrics.overlap import local_affine
from bench.pairs.pair import ImagePair
from bench.pairs.photograph_sources import read_photographs
from bench.pairs.warp_kinds import KINDS, Homography, Warp, about, to_bytes
from bench.session import Session
from bench.store import digest

__all__ = ["read_pairs", "render"]

_CODE = (
    "bench.pairs.synthetic_warps", "bench.pairs.warp_kinds", "bench.pairs.known_moves",
    "bench.metrics.overlap",
)  # fmt: skip
_MOST_SAMPLES = 8


def read_pairs(
    folder: Path | None,
    session: Session,
    count: int,
    size: tuple[int, int],
    kinds: Mapping[str, Warp] = KINDS,
) -> Iterator[ImagePair]:
    """One pair of each kind from each photograph; its name is the kind.

    Parameters
    ----------
    folder : path, optional
        As for `read_photographs`.
    session : Session
    count : int
    size : (int, int)
        Width and height of the views.
    kinds : mapping of str to Warp
        By default `KINDS`.

    Raises
    ------
    DataError
        When the folder is missing or has no image.
    InputError
        When none can be used.
    """
    used = 0
    photographs = read_photographs(folder, session, count, size)
    for name, photograph in session.track(photographs, "photographs", count):
        used += 1
        description = {
            "photograph": digest(photograph), "size": size, "seed": session.seed,
            "kinds": list(kinds),
        }  # fmt: skip
        views = session.store.get(
            "views", description, partial(_views, photograph, size, session.seed, kinds), _CODE
        )
        for kind in kinds:
            homography = views[f"homography {kind}"]
            yield ImagePair(name, kind, views["first"], views[kind], homography)
    if not used:
        raise session.nothing_left("photograph")


def _views(
    photograph: NDArray[np.float32], size: tuple[int, int], seed: int, kinds: Mapping[str, Warp]
) -> dict[str, NDArray[Any]]:
    width, height = size
    rows, columns = photograph.shape
    detail = min(columns / width, rows / height)
    # From coordinates about the centre, in units of half the width, to pixels.
    view = about(width / 2, (width - 1) / 2, (height - 1) / 2)
    scene = about(detail * width / 2, (columns - 1) / 2, (rows - 1) / 2)
    views = {"first": to_bytes(render(photograph, scene @ np.linalg.inv(view), size))}
    # Every photograph has its own angles, whatever else was drawn before.
    seeds = np.random.SeedSequence([seed, zlib.crc32(photograph.data)]).spawn(len(kinds))
    for (kind, warp), own in zip(kinds.items(), seeds, strict=True):
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
