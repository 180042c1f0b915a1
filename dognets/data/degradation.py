"""From a high-resolution crop to the low-resolution input that a network sees.

``clean`` is the paper's: bicubic reduction, rounded to 8 bits. ``real`` is what it announces as
future work: blur, low light, noise and JPEG, drawn anew for each patch.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dognets.data.images import reduce_bicubic

__all__ = ["DEGRADATIONS", "MARGIN", "degrade_clean", "degrade_real", "to_8_bits"]

# Low-resolution samples around a crop that reduction and blur need to be those of the whole image.
MARGIN = 4

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
    """Blur, low light, noise and JPEG, each with a chance of one half.

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
        image = _blurred(image, rng.uniform(0.2, 0.8) * scale, rng.uniform(0.2, 0.8) * scale)
    image = reduce_bicubic(image, scale)
    if rng.random() < 0.5:
        noise = rng.normal(0.0, rng.uniform(1.0, 15.0), image.shape)
        image = image + noise.astype(np.float32)
    low = to_8_bits(image)
    if rng.random() < 0.5:
        stream = io.BytesIO()
        Image.fromarray(low).save(stream, "JPEG", quality=int(rng.integers(30, 96)))
        with Image.open(stream) as decoded:
            low = np.array(decoded)
    return low, target


def _blurred(image: NDArray[np.float32], sigma_y: float, sigma_x: float) -> NDArray[np.float32]:
    for axis, sigma in ((0, sigma_y), (1, sigma_x)):
        radius = min(int(np.ceil(3.0 * sigma)), image.shape[axis])
        taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        taps = (taps / taps.sum()).astype(np.float32)
        width = [(radius, radius) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(image, width, mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=axis)
        image = (windows @ taps).astype(np.float32)
    return image


DEGRADATIONS: dict[str, Degradation] = {"clean": degrade_clean, "real": degrade_real}
