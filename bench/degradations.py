"""Low-resolution images as cameras make them: the clean reduction, and what spoils it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.photographs import reduced
from siftcore.errors import ParameterError

__all__ = ["DEGRADATIONS", "degrade"]

# Low-resolution pixels.
DEFOCUS_RADIUS = 1.5
MOTION_LENGTH = 5.0
GAMMA = 2.2


def degrade(image: NDArray[np.uint8], kind: str, scale: int, seed: int = 0) -> NDArray[np.uint8]:
    """A high-resolution image reduced and spoilt.

    Parameters
    ----------
    image : ndarray, (H, W) uint8
    kind : str
        ``"clean"``: antialiased bicubic reduction, rounded to 8 bits. On top of it:
        ``"jpeg60"``, ``"jpeg30"``: compressed at that quality. ``"noise5"``, ``"noise15"``:
        Gaussian noise of that sigma, in grey values of 255. ``"defocus"``: a disc of radius 1.5
        low-resolution pixels, ``"motion"``: a diagonal streak of 5, both before the reduction.
        ``"lowlight"``: intensities to the power of 2.2, rounded to 8 bits again.
    scale : int
    seed : int, default 0
        Of the noise.

    Returns
    -------
    ndarray, (H // scale, W // scale) uint8
    """
    if kind not in DEGRADATIONS:
        raise ParameterError("degradation", kind, f"one of {', '.join(DEGRADATIONS)}")
    before, after = DEGRADATIONS[kind]
    if before is not None:
        # Borders repeat; a blur of the whole scene would not stop at the frame.
        spread = ndimage.convolve(image.astype(np.float32), before(scale), mode="nearest")
        image = np.rint(spread.clip(0, 255)).astype(np.uint8)
    low = reduced(image, scale)
    return low if after is None else after(low, np.random.default_rng(seed))


Kernel = Callable[[int], NDArray[np.float32]]
Spoil = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
_FINE = 8


def _kernel(
    shape: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]], reach: float
) -> NDArray[np.float32]:
    """The share of each pixel that lies in a shape, from 8 x 8 samples a pixel."""
    half = int(np.ceil(reach))
    line = (np.arange((2 * half + 1) * _FINE) + 0.5) / _FINE - half - 0.5
    inside = shape(*np.meshgrid(line, line)).astype(np.float64)
    side = 2 * half + 1
    weights = inside.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))
    return np.asarray(weights / weights.sum(), np.float32)


def _disc(scale: int) -> NDArray[np.float32]:
    radius = DEFOCUS_RADIUS * scale
    return _kernel(lambda x, y: x * x + y * y <= radius * radius, radius)


def _streak(scale: int) -> NDArray[np.float32]:
    half = MOTION_LENGTH * scale / 2.0
    along = np.sqrt(0.5)
    return _kernel(
        lambda x, y: (np.abs(along * (x + y)) <= half) & (np.abs(along * (x - y)) <= 0.5), half
    )


def _jpeg(quality: int) -> Spoil:
    def spoil(low: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
        file = io.BytesIO()
        Image.fromarray(low).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return spoil


def _noise(sigma: float) -> Spoil:
    def spoil(low: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        noisy = low + rng.normal(0.0, sigma, low.shape)
        return np.rint(noisy.clip(0, 255)).astype(np.uint8)

    return spoil


def _darken(low: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    return np.rint(255.0 * (low / 255.0) ** GAMMA).astype(np.uint8)


DEGRADATIONS: dict[str, tuple[Kernel | None, Spoil | None]] = {
    "clean": (None, None),
    "jpeg60": (None, _jpeg(60)),
    "jpeg30": (None, _jpeg(30)),
    "noise5": (None, _noise(5.0)),
    "noise15": (None, _noise(15.0)),
    "defocus": (_disc, None),
    "motion": (_streak, None),
    "lowlight": (None, _darken),
}
