"""PSNR of DoG images, and of images as the literature of super-resolution takes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BORDER", "dog_psnr", "pixel_psnr"]

# Samples left out on each side: there the levels depend on how borders are continued.
BORDER = 16
# Perfect images score 200 dB or so instead of infinity, which would leave no mean.
_LEAST_ERROR = 1e-20


def dog_psnr(found: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """PSNR of each level in two conventions, because Noor et al. state none.

    Parameters
    ----------
    found, true : ndarray, (levels, H, W)
        More than ``2 * BORDER`` samples a side.

    Returns
    -------
    ndarray, (2, levels) float64
        dB. First with the range of the true DoG as peak; then with each DoG image scaled to [0, 1]
        by its own range. NaN where a true level is constant.
    """
    inside = (slice(None), *(slice(BORDER, -BORDER),) * 2)
    f, t = found[inside].astype(np.float64), true[inside].astype(np.float64)
    peak = np.ptp(t, axis=(1, 2))
    peak[peak == 0.0] = np.nan
    by_truth = _decibels(((f - t) ** 2).mean(axis=(1, 2)) / peak**2)
    by_own = _decibels(((_unit(f) - _unit(t)) ** 2).mean(axis=(1, 2)))
    return np.stack([by_truth, np.where(np.isnan(peak), np.nan, by_own)])


def pixel_psnr(found: NDArray[np.float32], true: NDArray[np.float32], border: int) -> float:
    """PSNR of an image with 255 as peak, dB.

    Parameters
    ----------
    found : ndarray, (H, W)
        Intensities in [0, 255]; rounded here.
    true : ndarray, (H, W)
        Not rounded.
    border : int
        Pixels left out on each side: the factor of the enlargement.
    """
    inside = (slice(border, -border),) * 2
    rounded = np.clip(np.rint(found), 0, 255)[inside].astype(np.float64)
    return float(_decibels(((rounded - true[inside]) ** 2).mean() / 255.0**2))


def _decibels(error: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-10.0 * np.log10(np.maximum(error, _LEAST_ERROR)))


def _unit(dogs: NDArray[np.float64]) -> NDArray[np.float64]:
    low = dogs.min(axis=(1, 2), keepdims=True)
    return (dogs - low) / np.maximum(dogs.max(axis=(1, 2), keepdims=True) - low, 1e-12)
