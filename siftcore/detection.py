"""From one octave to its features: every stage in the order of Lowe 2004, sections 3 to 6."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siftcore.kernels.descriptor import compute_descriptors
from siftcore.kernels.extrema import find_extrema
from siftcore.kernels.orientation import find_orientations
from siftcore.kernels.refine import refine_extrema
from siftcore.params import DescriptorParams, DetectorParams, OrientationParams
from siftcore.scalespace.geometry import octave_number
from siftcore.scalespace.protocol import Octave
from siftcore.types import Features

__all__ = [
    "PREFILTER",
    "Keypoints",
    "assign_orientations",
    "describe_keypoints",
    "detect",
    "dog_weights",
    "dominant_angles",
    "to_features",
]

# Spacing of neighbouring levels for which the contrast threshold is stated.
_LOWE_RATIO = 2.0 ** (1.0 / 3.0)
_SAME_SPACING = 1e-9
# Otero & Delbracio 2014, algorithm 5: extrema this far below the threshold are not even refined.
PREFILTER = 0.8


class Keypoints(NamedTuple):
    """Keypoints of one octave, on its own grid.

    Attributes
    ----------
    x, y, sigma : ndarray, (N,) float64
        Position and scale, in samples.
    level : ndarray, (N,) float64
        Refined DoG level.
    gaussian : ndarray, (N,) int32
        Gaussian level that orientation and descriptor read.
    response : ndarray, (N,) float64
        Absolute refined DoG, scaled to levels ``2 ** (1/3)`` apart.
    angle : ndarray, (N,) float32
        Radians in [0, 2 pi).
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64]
    level: NDArray[np.float64]
    gaussian: NDArray[np.int32]
    response: NDArray[np.float64]
    angle: NDArray[np.float32]

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Keypoints:
        """The chosen keypoints, as contiguous arrays."""
        chosen: list[Any] = [np.ascontiguousarray(array[index]) for array in self]
        return Keypoints(*chosen)


def dog_weights(sigmas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors that make DoG levels comparable, (levels - 1,) float64.

    The DoG grows with the ratio k of its two sigmas as ``k - 1`` (Lowe 2004, section 3), so it is
    divided by that, in units of Lowe's spacing ``2 ** (1/3)``. One threshold then serves any
    number of scales an octave, and on an uneven ladder (the paper's) the wider steps do not win
    over the narrower ones: left as they are, they would make sigmas too large.
    """
    weights = (_LOWE_RATIO - 1.0) / (sigmas[1:] / sigmas[:-1] - 1.0)
    # Exactly 1 on Lowe's ladder, whatever its sigmas were rounded to.
    weights[np.abs(weights - 1.0) < _SAME_SPACING] = 1.0
    return weights


def detect(octave: Octave, params: DetectorParams) -> Keypoints:
    """Extrema that pass every test, without orientations (their angle is 0)."""
    sigmas = np.asarray(octave.sigmas, np.float64)
    weights = dog_weights(sigmas)
    thresholds = np.full(len(weights), params.contrast_threshold)
    strip = octave.rows
    # A fit moves a candidate by a row at a time, so it may enter the strip from outside.
    reach = params.max_refinements
    candidates = find_extrema(
        octave.gaussians,
        (PREFILTER * thresholds).astype(np.float32),
        weights.astype(np.float32),
        (strip.start - strip.first_row - reach, strip.stop - strip.first_row + reach),
    )
    candidates[:, 1] += strip.first_row
    found = refine_extrema(
        octave.gaussians,
        candidates,
        sigmas,
        thresholds,
        delta=octave.delta,
        edge_ratio=params.edge_ratio,
        max_fits=params.max_refinements,
        weights=weights,
        first_row=strip.first_row,
        height=strip.height,
    )
    if octave.strip is not None:
        row = found.sample[:, 1]
        found = found.take((row >= strip.start) & (row < strip.stop))
    return Keypoints(
        found.x,
        found.y,
        found.sigma / octave.delta,
        found.level,
        np.ascontiguousarray(found.sample[:, 0]),
        np.abs(found.value),
        np.zeros(len(found.x), np.float32),
    )


def dominant_angles(
    octave: Octave, keypoints: Keypoints, params: OrientationParams
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Angles of the peaks of each keypoint's gradient histogram.

    Returns
    -------
    angles : ndarray, (N, peaks) float32
        Radians in [0, 2 pi), highest peak first; only the first `counts` of a row mean anything.
    counts : ndarray, (N,) int32
        0 where the window is flat.
    """
    return find_orientations(
        octave.gaussians,
        keypoints.gaussian,
        keypoints.x,
        keypoints.y,
        keypoints.sigma,
        window=params.orientation_window,
        peak_ratio=params.orientation_peak_ratio,
        n_bins=params.n_orientation_bins,
        shared_votes=params.orientation_votes == "linear",
        first_row=octave.rows.first_row,
        height=octave.rows.height,
    )


def assign_orientations(
    octave: Octave, keypoints: Keypoints, params: OrientationParams
) -> Keypoints:
    """One keypoint for each dominant direction; the same keypoints, at angle 0, for `upright`."""
    if params.upright or len(keypoints.x) == 0:
        return keypoints
    angles, counts = dominant_angles(octave, keypoints, params)
    if params.max_orientations is not None:
        counts = np.minimum(counts, params.max_orientations)
    source = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
    return keypoints.take(source)._replace(angle=angles[source, nth])


def describe_keypoints(
    octave: Octave, keypoints: Keypoints, params: DescriptorParams
) -> NDArray[np.float32]:
    """Descriptors of the keypoints, (N, 128) float32, of the kind that `params` names."""
    descriptors = compute_descriptors(
        octave.gaussians,
        keypoints.gaussian,
        keypoints.x,
        keypoints.y,
        keypoints.sigma,
        keypoints.angle,
        cell=params.descriptor_cell,
        clamp=params.descriptor_clamp,
        first_row=octave.rows.first_row,
        height=octave.rows.height,
    )
    if params.descriptor == "rootsift":
        total = descriptors.sum(axis=1, keepdims=True)
        np.divide(descriptors, total, out=descriptors, where=total > 0.0)
        np.sqrt(descriptors, out=descriptors)
    return descriptors


def to_features(
    octave: Octave,
    keypoints: Keypoints,
    descriptors: NDArray[np.float32],
    image_size: tuple[int, int],
    provider: str,
) -> Features:
    """The octave's keypoints in input pixels."""
    n = len(keypoints.x)
    xy = octave.origin + octave.delta * np.stack([keypoints.x, keypoints.y], axis=1)
    return Features(
        xy=xy.astype(np.float32),
        sigma=(octave.delta * keypoints.sigma).astype(np.float32),
        angle=keypoints.angle,
        response=keypoints.response.astype(np.float32),
        octave=np.full(n, octave_number(octave.delta), np.int16),
        level=keypoints.level.astype(np.float32),
        descriptors=descriptors,
        image_size=image_size,
        provider=provider,
    )
