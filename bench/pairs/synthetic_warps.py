"""Pairs with exact homographies: two views of a photograph, one of them changed in a known way.

Both views are sampled from the photograph, which is larger, so that a view which zooms in shows
detail that the other does not have, as a camera would.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from bench.session import Session
from bench.store import digest
from dognets.data.images import find_images
from siftcore.errors import InputError
from siftcore.image import load_image

__all__ = ["KINDS", "Warp", "read_pairs", "render"]

_CODE = ("bench.pairs.synthetic_warps", "bench.metrics.overlap")
_MOST_SAMPLES = 8
_SHIPPED = (
    "astronaut", "camera", "coffee", "hubble_deep_field", "immunohistochemistry", "retina",
    "rocket", "stereo_motorcycle",
)  # fmt: skip

Homography = NDArray[np.float64]
# (generator, photograph's pixels a pixel of the first view) to a homography about the centre, in
# units of half the width.
Move = Callable[[np.random.Generator, float], Homography]
# Grey values of 0 to 255, before they are rounded.
Spoil = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True)
class Warp:
    """What happens to the second view.

    Attributes
    ----------
    about : str
    move : callable
    spoil : tuple of callable
    """

    about: str
    move: Move
    spoil: tuple[Spoil, ...] = ()


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
    view = _about(width / 2, (width - 1) / 2, (height - 1) / 2)
    scene = _about(detail * width / 2, (columns - 1) / 2, (rows - 1) / 2)
    views = {"first": _bytes(render(photograph, scene @ np.linalg.inv(view), size))}
    # Every photograph has its own angles, whatever else was drawn before.
    seeds = np.random.SeedSequence([seed, zlib.crc32(photograph.data)]).spawn(len(KINDS))
    for (kind, warp), own in zip(KINDS.items(), seeds, strict=True):
        rng = np.random.default_rng(own)
        move = warp.move(rng, detail)
        values = render(photograph, scene @ np.linalg.inv(view @ move), size)
        for spoil in warp.spoil:
            values = spoil(values, rng)
        homography = view @ move @ np.linalg.inv(view)
        views[kind] = _bytes(values)
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


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def _about(scale: float, x: float, y: float) -> Homography:
    return np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]])


def _turned(angle: float) -> Homography:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _nudge(rng: np.random.Generator, detail: float) -> Homography:
    """So little that only what else happens matters, but no two pixel grids coincide."""
    shift = rng.uniform(-0.05, 0.05, 2)
    return _about(rng.uniform(0.95, 1.05), *shift) @ _turned(np.deg2rad(rng.uniform(-5, 5)))


def _rotation(rng: np.random.Generator, detail: float) -> Homography:
    return _turned(np.deg2rad(rng.uniform(10, 170) * rng.choice([-1, 1])))


def _scale(rng: np.random.Generator, detail: float) -> Homography:
    factor = 2.0 ** rng.uniform(0.3, 1.0)
    # Closer than the photograph has detail for would only be blurred.
    closer = rng.random() < 0.5 and factor <= detail
    return _about(factor if closer else 1.0 / factor, 0.0, 0.0)


def _perspective(rng: np.random.Generator, detail: float) -> Homography:
    direction = rng.uniform(0.0, 2.0 * np.pi)
    tilt = rng.uniform(0.1, 0.25) * np.array([np.cos(direction), np.sin(direction)])
    squeeze = np.diag([1.0, rng.uniform(0.7, 0.9), 1.0])
    turn = _turned(rng.uniform(0, np.pi))
    return np.array([[1, 0, 0], [0, 1, 0], [*tilt, 1]]) @ turn @ squeeze @ turn.T


def _everywhere(rng: np.random.Generator, detail: float) -> Homography:
    turn = _turned(np.deg2rad(rng.uniform(-45, 45)))
    zoom = _about(2.0 ** rng.uniform(-0.6, min(0.6, np.log2(detail))), 0.0, 0.0)
    return zoom @ turn @ _perspective(rng, detail)


def _blur(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(view, rng.uniform(1.0, 2.0), mode="nearest"))


def _jpeg(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    file = io.BytesIO()
    Image.fromarray(_bytes(view)).save(file, "JPEG", quality=int(rng.integers(15, 41)))
    return np.asarray(Image.open(file), np.float64)


def _illumination(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = view.shape
    slope = rng.uniform(-0.3, 0.3, 2)
    light = (
        1.0 + slope[0] * np.linspace(-1, 1, width) + slope[1] * np.linspace(-1, 1, height)[:, None]
    )
    gain, gamma = rng.uniform(0.5, 1.0), 2.0 ** rng.uniform(-0.7, 0.7)
    return 255.0 * (gain * light * (view.clip(0, 255) / 255.0) ** gamma)


def _noise(view: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return view + rng.normal(0.0, rng.uniform(4.0, 12.0), view.shape)


KINDS: dict[str, Warp] = {
    "rotation": Warp("by 10 to 170 degrees", _rotation),
    "scale": Warp("by 1.2 to 2, closer or further", _scale),
    "perspective": Warp("a tilted and squeezed view", _perspective),
    "blur": Warp("Gaussian, of 1 to 2 px", _nudge, (_blur,)),
    "jpeg": Warp("quality 15 to 40", _nudge, (_jpeg,)),
    "illumination": Warp("gain, gamma and a gradient", _nudge, (_illumination,)),
    "noise": Warp("Gaussian, of 4 to 12 grey values", _nudge, (_noise,)),
    "geometry": Warp("rotation, scale and perspective", _everywhere),
    "all": Warp(
        "that with blur, illumination, noise and JPEG",
        _everywhere,
        (_blur, _illumination, _noise, _jpeg),
    ),
}
