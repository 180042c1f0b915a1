"""From a high-resolution crop to the low-resolution input that a network sees.

``clean`` is the paper's: bicubic reduction, rounded to 8 bits. ``real`` is what it announces as
future work: low light, blur, noise and JPEG, drawn for each patch.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import fftconvolve

from dognets.data.images import reduce_bicubic

__all__ = ["DEGRADATIONS", "MARGIN", "degrade_clean", "degrade_real", "to_8_bits"]

# Low-resolution samples around a crop that reduction and blur need to be those of the whole image.
MARGIN = 6

_Kernel = NDArray[np.float64]

Degradation = Callable[
    [NDArray[np.uint8], int, np.random.Generator], tuple[NDArray[np.uint8], NDArray[np.uint8]]
]


def to_8_bits(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounded and clipped to 0..255."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def degrade_clean(
    high: NDArray[np.uint8], scale: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The low-resolution image, and the high-resolution image that it is to be turned into."""
    return to_8_bits(reduce_bicubic(high.astype(np.float32), scale)), high


def degrade_real(
    high: NDArray[np.uint8], scale: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Low light, blur, noise and JPEG, each with a chance of one half.

    Gamma 1 to 2.4. Blur in low-resolution pixels: a Gaussian of 0.2 to 0.8 in each direction, a
    disc of radius 0.5 to 2 (defocus), or a streak of length 1 to 7 (motion), of equal chances.
    Noise of sigma 1 to 20. JPEG of quality 30 to 95.

    Parameters
    ----------
    high : ndarray, (s H, s W) uint8
    scale : int
        s
    rng : numpy.random.Generator

    Returns
    -------
    low : ndarray, (H, W) uint8
    target : ndarray, (s H, s W) uint8
        `high`, darkened where the scene is: low light is a property of the scene, blur, noise and
        compression are flaws of its image.
    """
    image = high.astype(np.float32)
    if rng.random() < 0.5:
        gamma = rng.uniform(1.0, 2.4)
        image = 255.0 * (image / 255.0) ** np.float32(gamma)
    target = to_8_bits(image)
    if rng.random() < 0.5:
        image = _blurred(image, _KERNELS[rng.integers(len(_KERNELS))](rng, scale))
    image = reduce_bicubic(image, scale)
    if rng.random() < 0.5:
        noise = rng.normal(0.0, rng.uniform(1.0, 20.0), image.shape)
        image = image + noise.astype(np.float32)
    low = to_8_bits(image)
    if rng.random() < 0.5:
        stream = io.BytesIO()
        Image.fromarray(low).save(stream, "JPEG", quality=int(rng.integers(30, 96)))
        with Image.open(stream) as decoded:
            low = np.array(decoded)
    return low, target


def _offsets(reach: float) -> tuple[_Kernel, _Kernel]:
    """(y, x) of every sample of a kernel from its centre."""
    half = int(np.ceil(reach))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    return y, x


def _gaussian(rng: np.random.Generator, scale: int) -> _Kernel:
    sigma_y, sigma_x = rng.uniform(0.2, 0.8, 2) * scale
    y, x = _offsets(3.0 * max(sigma_y, sigma_x))
    return np.asarray(np.exp(-0.5 * ((y / sigma_y) ** 2 + (x / sigma_x) ** 2)))


def _disc(rng: np.random.Generator, scale: int) -> _Kernel:
    radius = rng.uniform(0.5, 2.0) * scale
    y, x = _offsets(radius + 0.5)
    return np.clip(radius + 0.5 - np.hypot(y, x), 0.0, 1.0)


def _streak(rng: np.random.Generator, scale: int) -> _Kernel:
    half, angle = rng.uniform(0.5, 3.5) * scale, rng.uniform(0.0, np.pi)
    y, x = _offsets(half + 1.0)
    along = np.abs(np.cos(angle) * x + np.sin(angle) * y)
    across = np.abs(np.cos(angle) * y - np.sin(angle) * x)
    return np.clip(half + 0.5 - along, 0.0, 1.0) * np.clip(1.0 - across, 0.0, 1.0)


_KERNELS = (_gaussian, _disc, _streak)


def _blurred(image: NDArray[np.float32], kernel: _Kernel) -> NDArray[np.float32]:
    half = kernel.shape[0] // 2
    padded = np.pad(image, half, mode="symmetric")
    taps = (kernel / kernel.sum()).astype(np.float32)
    return np.asarray(fftconvolve(padded, taps, mode="valid"), np.float32)


DEGRADATIONS: dict[str, Degradation] = {"clean": degrade_clean, "real": degrade_real}
