"""Power spectra of images, and their averages over rings of equal frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["decibels", "power_spectrum", "radial_average", "radial_frequencies"]

# -300 dB: below what rounding leaves, and with a logarithm.
_LEAST_POWER = 1e-30


def power_spectrum(image: NDArray[np.floating], *, window: bool = False) -> NDArray[np.float64]:
    """The periodogram of an image: ``|DFT|^2 / N`` with N its number of samples.

    White noise of variance v has the expected value v everywhere, and the mean over all
    frequencies is the mean square of the samples (Parseval), so sizes do not matter.

    Parameters
    ----------
    image : ndarray, (H, W)
    window : bool, default False
        Take the mean away and weigh with a separable Hann window, whose mean square is divided out
        (Welch 1967). Without it the steps between opposite borders leak into all frequencies,
        along both axes most.

    Returns
    -------
    ndarray, (H, W) float64
        The unit of `image`, squared. Frequency 0 first, as `numpy.fft.fft2` has it.
    """
    samples = np.asarray(image, np.float64)
    if window:
        weights = np.outer(*(np.hanning(n + 2)[1:-1] for n in samples.shape))
        samples = (samples - samples.mean()) * weights / np.sqrt((weights**2).mean())
    return np.asarray(np.abs(np.fft.fft2(samples)) ** 2 / samples.size)


def radial_frequencies(n_bins: int) -> NDArray[np.float64]:
    """Middle of each ring of `radial_average`, cycles per pixel."""
    return (np.arange(n_bins) + 0.5) * (0.5 / n_bins)


def radial_average(power: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Mean power on rings of equal width from 0 to 0.5 cycles per pixel.

    Rings are in cycles per pixel, not in samples of the transform, so images of different sizes
    share them. The corners beyond 0.5 and frequency 0 itself, which is the mean, are left out.

    Parameters
    ----------
    power : ndarray, (H, W)
        As `power_spectrum` returns it.
    n_bins : int

    Returns
    -------
    ndarray, (n_bins,) float64
        NaN for a ring that no frequency of a small image falls into.
    """
    height, width = power.shape
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    # The Nyquist frequency belongs to the last ring.
    ring = np.minimum((radius * (2 * n_bins)).astype(np.intp), n_bins - 1)
    inside = (radius > 0.0) & (radius <= 0.5)
    counts = np.bincount(ring[inside], minlength=n_bins)
    sums = np.bincount(ring[inside], power[inside], minlength=n_bins)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """``10 log10`` of a power; NaN stays NaN."""
    return np.asarray(10.0 * np.log10(np.maximum(power, _LEAST_POWER)))
