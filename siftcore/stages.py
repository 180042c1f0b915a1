"""What detection has after each of its tests, for studying them.

Sources, as for `siftcore.detection`: Lowe 2004, sections 3.1 and 4; Otero & Delbracio 2014,
section 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from siftcore.detection import PREFILTER, dog_weights
from siftcore.errors import InputError
from siftcore.kernels.extrema import find_extrema
from siftcore.kernels.refine import refine_extrema
from siftcore.params import DetectorParams
from siftcore.scalespace.protocol import Octave

__all__ = ["Candidates", "detection_stages", "weighted_dogs"]

# Beyond any quotient of curvatures that float32 samples give: only saddles fail it.
_ANY_EDGE = 1e12


class Candidates(NamedTuple):
    """Points of one octave that have passed a test.

    Attributes
    ----------
    sample : ndarray, (N, 3) int32
        DoG level, row and column on the octave's grid; of fitted ones where the fit ended.
    offset : ndarray, (N, 3) float64
        Level, row and column of the fitted extremum less `sample`; 0 before the fit.
    xy : ndarray, (N, 2) float64
        Column and row in pixels of the input.
    sigma : ndarray, (N,) float64
        In pixels of the input.
    value : ndarray, (N,) float64
        Weighted DoG, signed: negative on bright blobs. `Features.response` is its absolute value.
    """

    sample: NDArray[np.int32]
    offset: NDArray[np.float64]
    xy: NDArray[np.float64]
    sigma: NDArray[np.float64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.value)


def weighted_dogs(octave: Octave) -> NDArray[np.float32]:
    """The DoG levels that the tests see, (levels - 1, H, W) float32.

    The engine never holds them: it takes the differences inside its kernels.
    """
    weights = dog_weights(np.asarray(octave.sigmas, np.float64)).astype(np.float32)
    return np.asarray(weights[:, None, None] * np.diff(octave.gaussians, axis=0))


def detection_stages(octave: Octave, params: DetectorParams) -> dict[str, Candidates]:
    """Points after each test of detection, in its order.

    Parameters
    ----------
    octave : Octave
        Whole, as ``provider.build`` makes it.
    params : DetectorParams
        A `SiftParams` is one.

    Returns
    -------
    dict of str to Candidates
        ``"extrema"``: samples strictly above or below their 26 neighbours.
        ``"prefilter"``: of those above 0.8 times the contrast threshold.
        ``"fitted"``: of those where the quadratic fit ended, on no saddle, inside the border; two
        that end on one sample are one.
        ``"contrast"``: of those with a fitted value above the threshold.
        ``"edge"``: of those with a ratio of curvatures of at most `edge_ratio`: the keypoints,
        before they get their orientations.

    Raises
    ------
    InputError
        For an octave in strips.
    """
    if octave.strip is not None:
        raise InputError("an octave in strips has no stages of its own; take provider.build's")
    weights = dog_weights(np.asarray(octave.sigmas, np.float64))
    contrast = np.full(len(weights), params.contrast_threshold)
    none = np.zeros(len(weights))
    candidates = _extrema(octave, weights, PREFILTER * contrast)

    def fitted(thresholds: NDArray[np.float64], edge_ratio: float) -> Candidates:
        found = refine_extrema(
            octave.gaussians,
            candidates,
            np.asarray(octave.sigmas, np.float64),
            thresholds,
            delta=octave.delta,
            edge_ratio=edge_ratio,
            max_fits=params.max_refinements,
            weights=weights,
        )
        where = np.stack([found.level, found.y, found.x], axis=1)
        return Candidates(
            found.sample,
            where - found.sample,
            octave.origin + octave.delta * where[:, :0:-1],
            found.sigma,
            found.value,
        )

    return {
        "extrema": _discrete(octave, weights, _extrema(octave, weights, none)),
        "prefilter": _discrete(octave, weights, candidates),
        "fitted": fitted(none, _ANY_EDGE),
        "contrast": fitted(contrast, _ANY_EDGE),
        "edge": fitted(contrast, params.edge_ratio),
    }


def _extrema(
    octave: Octave, weights: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.int32]:
    return find_extrema(octave.gaussians, thresholds.astype(np.float32), weights.astype(np.float32))


def _discrete(
    octave: Octave, weights: NDArray[np.float64], sample: NDArray[np.int32]
) -> Candidates:
    level, row, column = sample.T
    fine, coarse = (octave.gaussians[level + k, row, column].astype(np.float64) for k in (0, 1))
    return Candidates(
        sample,
        np.zeros(sample.shape),
        np.asarray(octave.origin + octave.delta * sample[:, :0:-1], np.float64),
        np.asarray(octave.sigmas, np.float64)[level],
        weights[level] * (coarse - fine),
    )
