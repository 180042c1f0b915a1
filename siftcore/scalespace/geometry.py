"""Grids, sigma ladders and octave counts: the numbers of a scale space without its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siftcore.params import ScaleSpaceParams

__all__ = ["PAPER_SIGMAS", "Grid", "count_octaves", "ladder_sigmas", "octave_number"]

# Noor et al., section 2. Their Table 1 misprints the third value as 1.96588.
PAPER_SIGMAS = (1.249, 1.545, 1.946588, 2.452527, 3.090016)
PAPER_IMAGE_BLUR = 0.5


@dataclass(frozen=True)
class Grid:
    """Where samples lie in the input image: ``x_input = origin + delta * column``.

    Attributes
    ----------
    delta : float
        Sampling step, input pixels.
    origin : float
        Input coordinate of sample 0, along x and y.
    """

    delta: float
    origin: float

    @classmethod
    def linear_doubling(cls) -> Grid:
        """Samples on the pixel centres and half-way between them: the classical octave -1."""
        return cls(delta=0.5, origin=0.0)

    @classmethod
    def area_upsampling(cls, scale: int) -> Grid:
        """Each pixel's area split into ``scale x scale`` samples, as resizing and networks do."""
        return cls(delta=1.0 / scale, origin=(1.0 / scale - 1.0) / 2.0)

    def decimated(self) -> Grid:
        """Every second sample, from the first."""
        return Grid(delta=2.0 * self.delta, origin=self.origin)


def ladder_sigmas(params: ScaleSpaceParams) -> NDArray[np.float64]:
    """Absolute blur of an octave's levels, in samples of the octave's own grid.

    Parameters
    ----------
    params : ScaleSpaceParams
        ``ladder`` chooses: ``"lowe"`` is ``sigma0 * 2 ** (i / n)`` for ``i = 0 .. n + 2`` (Lowe
        2004, section 3); ``"paper"`` is ``hypot(sigma_k, 0.5)``, because Noor et al. apply their
        five filters to an image whose own blur is taken as half a pixel.

    Returns
    -------
    ndarray, (levels,) float64
        Increasing.

    Examples
    --------
    >>> ladder_sigmas(ScaleSpaceParams()).round(3)
    array([1.6  , 2.016, 2.54 , 3.2  , 4.032, 5.08 ])
    """
    if params.ladder == "paper":
        return np.hypot(PAPER_SIGMAS, PAPER_IMAGE_BLUR)
    n = params.n_scales_per_octave
    return params.sigma0 * 2.0 ** (np.arange(n + 3) / n)


def count_octaves(short_side: int, params: ScaleSpaceParams) -> int:
    """How many octaves fit, when the finest has `short_side` samples and each next one half.

    Equals ``floor(log2(short_side / min_octave_size)) + 1``, the rule of the reference program of
    Otero & Delbracio 2014 (which has 8 at most), never below 0, cut at ``params.n_octaves``.
    """
    n_octaves = 0
    while short_side >> n_octaves >= params.min_octave_size:
        n_octaves += 1
    return n_octaves if params.n_octaves is None else min(n_octaves, params.n_octaves)


def octave_number(delta: float) -> int:
    """The octave's number: log2 of its sampling step, rounded; -1 is the doubled image."""
    return round(math.log2(delta))
