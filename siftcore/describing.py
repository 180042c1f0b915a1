"""Descriptors of keypoints that the caller gives: which octave and level each belongs to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.coordinates import wrap_angle
from siftcore.detection import Keypoints, describe_keypoints, dominant_angles, to_features
from siftcore.errors import InputError
from siftcore.params import SiftParams
from siftcore.scalespace.protocol import Octave, ScaleSpace
from siftcore.types import Features

__all__ = ["GivenKeypoints", "check_keypoints", "describe_in"]


class GivenKeypoints(NamedTuple):
    """Checked keypoints, in input pixels and radians; no angle asks for one to be found."""

    xy: NDArray[np.float64]
    sigma: NDArray[np.float64]
    angle: NDArray[np.float64] | None


def _column(name: str, values: ArrayLike, n: int) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers; got {values!r}") from None
    if array.ndim == 0:
        array = np.full(n, float(array))
    if array.shape != (n,):
        raise InputError(
            f"{name} must be a number or have shape ({n},), as xy has {n} rows; got {array.shape}"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite; got NaN or infinity")
    return array


def check_keypoints(
    xy: ArrayLike, sigma: ArrayLike, angle: ArrayLike | None, shape: tuple[int, int]
) -> GivenKeypoints:
    """Keypoints as float64 arrays, or `InputError`."""
    try:
        points = np.asarray(xy, np.float64)
    except (TypeError, ValueError):
        raise InputError("xy must be numbers of shape (N, 2)") from None
    if points.size == 0:
        points = points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"xy must have shape (N, 2), column and row; got {points.shape}")
    n = len(points)
    height, width = shape
    # The image reaches half a pixel beyond the centres of its outer pixels.
    outside = ~((points >= -0.5) & (points <= (width - 0.5, height - 0.5))).all(axis=1)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"xy must lie inside the {width} x {height} image; {int(outside.sum())} of {n} do "
            f"not, the first is row {first}: ({points[first, 0]:g}, {points[first, 1]:g})"
        )
    sigmas = _column("sigma", sigma, n)
    if (sigmas <= 0.0).any():
        raise InputError(f"sigma must be positive; got {sigmas.min():g}")
    return GivenKeypoints(points, sigmas, None if angle is None else _column("angle", angle, n))


def _assigned(
    octave: Octave, sigma: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which sigmas belong on this octave or a finer one, and their position on its ladder."""
    ladder = np.log(octave.sigmas)
    position = np.interp(np.log(sigma), ladder, np.arange(len(ladder)))
    # The coarsest detection level keeps what is nearer to it than to the level above.
    return position <= len(ladder) - 3 + 0.5, position


def _on_octave(
    octave: Octave,
    given: GivenKeypoints,
    rows: NDArray[np.intp],
    position: NDArray[np.float64],
    params: SiftParams,
) -> tuple[Keypoints, NDArray[np.float32]]:
    samples = (given.xy[rows] - octave.origin) / octave.delta
    n_gaussians = len(octave.sigmas)
    keypoints = Keypoints(
        x=np.ascontiguousarray(samples[:, 0]),
        y=np.ascontiguousarray(samples[:, 1]),
        sigma=given.sigma[rows] / octave.delta,
        level=position[rows],
        gaussian=np.clip(np.rint(position[rows]), 1, n_gaussians - 3).astype(np.int32),
        response=np.zeros(len(rows)),
        angle=np.zeros(len(rows), np.float32),
    )
    if given.angle is not None:
        keypoints = keypoints._replace(angle=wrap_angle(given.angle[rows]).astype(np.float32))
    elif not params.upright and len(rows) > 0:
        angles, counts = dominant_angles(octave, keypoints, params)
        keypoints = keypoints._replace(angle=np.where(counts > 0, angles[:, 0], np.float32(0.0)))
    return keypoints, describe_keypoints(octave, keypoints, params)


def describe_in(space: ScaleSpace, given: GivenKeypoints, params: SiftParams) -> Features:
    """Describe `given` in a scale space, in their order.

    Parameters
    ----------
    space : ScaleSpace
    given : GivenKeypoints
    params : SiftParams

    Returns
    -------
    Features

    Raises
    ------
    InputError
        When the image is too small for any octave.
    """
    if len(given.xy) == 0:
        return Features.empty(space.image_size, space.provider)
    waiting = np.arange(len(given.xy))
    done: list[NDArray[np.intp]] = []
    parts: list[Features] = []

    def add(octave: Octave, rows: NDArray[np.intp], position: NDArray[np.float64]) -> None:
        keypoints, descriptors = _on_octave(octave, given, rows, position, params)
        done.append(rows)
        parts.append(to_features(octave, keypoints, descriptors, space.image_size, space.provider))

    last: Octave | None = None
    for octave in space:
        belongs, position = _assigned(octave, given.sigma)
        add(octave, waiting[belongs[waiting]], position)
        waiting = waiting[~belongs[waiting]]
        if len(waiting) == 0:
            break
        last = octave
    if last is None and len(waiting) > 0:
        width, height = space.image_size
        raise InputError(
            f"the {width} x {height} image is too small for any octave; enlarge it, or lower "
            f"min_octave_size ({params.min_octave_size})"
        )
    if last is not None and len(waiting) > 0:
        add(last, waiting, _assigned(last, given.sigma)[1])
    back = np.argsort(np.concatenate(done), kind="stable")
    return Features.concatenate(parts)[back]
