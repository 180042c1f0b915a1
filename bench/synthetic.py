"""Images whose keypoints are known: blobs, ramps, rotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.agreement import angle_difference, nearest_agreeing
from siftcore import SiftParams

__all__ = [
    "blob_errors",
    "expected_sigma",
    "ramp_angle_errors",
    "rotation_agreement",
    "turned_blob_angle_errors",
]

# Ratio of neighbouring sigmas on Lowe's ladder.
_K = 2.0 ** (1.0 / 3.0)


def expected_sigma(blob: float, assumed_blur: float) -> float:
    """Scale at which an engine of Lowe's ladder reports a Gaussian blob.

    A blob of standard deviation s in an image of blur c has the variance ``b^2 = s^2 - c^2`` in
    the scene, and on a level of absolute blur sigma its height is proportional to
    ``1 / (b^2 + sigma^2)``. The difference between the levels sigma and k sigma is extreme where
    ``sigma^2 = b^2 / k``; a keypoint carries the sigma of the finer level.

    Parameters
    ----------
    blob : float
        Standard deviation in the image, pixels.
    assumed_blur : float
        Blur that the scale space assumes in the image, pixels.

    Returns
    -------
    float
        The keypoint's sigma, pixels.
    """
    return float(np.sqrt((blob**2 - assumed_blur**2) / _K))


def _blob(
    shape: tuple[int, int], x: float, y: float, sigma: float, sign: int
) -> NDArray[np.float32]:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    squared = (columns - x) ** 2 + (rows - y) ** 2
    return (0.5 + sign * 0.4 * np.exp(-0.5 * squared / sigma**2)).astype(np.float32)


def blob_errors(
    provider: str, assumed_blur: float, n: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Errors of blobs at random sub-pixel positions, scales and signs.

    Parameters
    ----------
    provider : str
    assumed_blur : float
        Blur that the provider assumes in its input, pixels.
    n, seed : int

    Returns
    -------
    offset : ndarray, (M, 2) float64
        Found minus true position, pixels.
    sigma_error : ndarray, (M,) float64
        Found over expected sigma, less 1.
    missed : int
        Blobs without a keypoint within 2 pixels.
    """
    random = np.random.default_rng(seed)
    source = siftcore.get_provider(provider)
    offsets, errors, missed = [], [], 0
    for _ in range(n):
        sigma = random.uniform(2.0, 6.0)
        x, y = random.uniform(36, 60), random.uniform(36, 44)
        sign = int(random.choice([-1, 1]))
        found = siftcore.extract(
            _blob((81, 97), x, y, sigma, sign), source, siftcore.SiftParams(upright=True)
        )
        away = np.linalg.norm(found.xy - (x, y), axis=1)
        if len(away) == 0 or away.min() > 2.0:
            missed += 1
            continue
        nearest = int(away.argmin())
        offsets.append(found.xy[nearest] - (x, y))
        errors.append(found.sigma[nearest] / expected_sigma(sigma, assumed_blur) - 1.0)
    return np.array(offsets), np.array(errors), missed


def ramp_angle_errors(n: int, params: SiftParams | None = None) -> NDArray[np.float64]:
    """Angle errors, in degrees, on linear ramps of `n` directions evenly over the circle.

    The directions lie between multiples of the bins' spacing, so that none ties.
    """
    directions = (np.arange(n) + 0.5) * 2.0 * np.pi / n
    rows, columns = np.mgrid[:48, :64]
    errors = []
    for direction in directions:
        ramp = (columns - 32) * np.cos(direction) + (rows - 24) * np.sin(direction)
        ramp = (ramp - ramp.min()) / np.ptp(ramp)
        found = siftcore.describe(ramp.astype(np.float32), [[32.0, 24.0]], 2.0, params=params)
        errors.append(angle_difference(found.angle.astype(np.float64), direction)[0])
    return np.rad2deg(errors)


def turned_blob_angle_errors(n: int, params: SiftParams | None = None) -> NDArray[np.float64]:
    """Angle errors, in degrees, on a lopsided blob turned to `n` directions.

    The blob is elongated and brighter on one side; beside its ridge the gradient has one direction,
    across the ridge, which turns with the blob.
    """
    rows, columns = np.mgrid[:65, :81]
    found_angles = []
    directions = (np.arange(n) + 0.5) * 2.0 * np.pi / n
    for direction in directions:
        u = (columns - 40) * np.cos(direction) + (rows - 32) * np.sin(direction)
        v = (rows - 32) * np.cos(direction) - (columns - 40) * np.sin(direction)
        shape = np.exp(-0.5 * ((u / 5.0) ** 2 + (v / 12.0) ** 2)) * (1.0 + 0.5 * np.tanh(u / 4.0))
        image = (0.2 + 0.5 * shape).astype(np.float32)
        point = np.array([40 + 5.0 * np.cos(direction), 32 + 5.0 * np.sin(direction)])
        found = siftcore.describe(image, point[None], 2.0, params=params)
        found_angles.append(float(found.angle[0]))
    return np.rad2deg(angle_difference(np.array(found_angles), directions + np.pi))


def rotation_agreement(grey: NDArray[np.uint8]) -> tuple[int, int]:
    """Keypoints that turn with the image by 90 degrees, within 0.1 px and 1 degree; and all.

    Parameters
    ----------
    grey : ndarray, (H, W) uint8
        Sides 32 n + 1, so that the sampling grids of both images coincide.
    """
    upright = siftcore.extract(grey)
    turned = siftcore.extract(np.rot90(grey).copy())
    width = grey.shape[1]
    # np.rot90 turns counter-clockwise: column x becomes row W - 1 - x.
    xy = np.stack([upright.xy[:, 1], width - 1 - upright.xy[:, 0]], axis=1)
    angle = (upright.angle - np.pi / 2) % (2.0 * np.pi)
    index, _ = nearest_agreeing(
        (xy, upright.sigma, angle),
        (turned.xy, turned.sigma, turned.angle),
        pixels=0.1,
        sigma_ratio=1.2,
        angle_deg=1.0,
    )
    return int((index >= 0).sum()), len(upright)
