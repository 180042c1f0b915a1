"""Orientations are unbiased: over all directions, the mean error is nil."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import SiftParams
from tests.keypoints import angle_difference

Image = NDArray[np.float32]
# 5 degrees apart, each in a bin's middle once and never on the border between two bins, would hide
# a bias of rounding; 71 directions fall everywhere.
DIRECTIONS = np.arange(71) * 2 * math.pi / 71 + 0.01


def ramp(direction: float) -> Image:
    """Rising along `direction` (y down), wider than high."""
    row, column = np.mgrid[:60, :80]
    along = (column - 39.5) * math.cos(direction) + (row - 29.5) * math.sin(direction)
    return (0.5 + 0.008 * along).astype(np.float32)


def wedge(direction: float) -> Image:
    """A blob, long across `direction` and steeper on the side it points to; mirror-symmetric."""
    row, column = np.mgrid[:90, :110]
    x, y = column - 56.3, row - 43.6
    u = x * math.cos(direction) + y * math.sin(direction)
    v = y * math.cos(direction) - x * math.sin(direction)
    blob = np.exp(-(u**2 / (2 * 3.2**2) + v**2 / (2 * 4.8**2)))
    bite = np.exp(-((u + 5.6) ** 2 / (2 * 3.2**2) + v**2 / (2 * 4.8**2)))
    return (0.4 + 0.5 * blob - 0.35 * bite).astype(np.float32)


def errors_deg(angles: list[float]) -> NDArray[np.float64]:
    return np.degrees(angle_difference(np.array(angles), DIRECTIONS))


# All votes fall into one bin, ten degrees wide, or between two.
@pytest.mark.parametrize(("votes", "largest"), [("nearest", 5.1), ("linear", 0.25)])
@pytest.mark.parametrize("sigma", [1.3, 3.0])
def test_ramps(sigma: float, votes: Any, largest: float) -> None:
    params = SiftParams(orientation_votes=votes)
    angles = []
    for direction in DIRECTIONS:
        described = siftcore.describe(ramp(direction), [[40.2, 29.7]], [sigma], params=params)
        angles.append(float(described.angle[0]))
    errors = errors_deg(angles)
    assert abs(errors.mean()) < 0.2
    assert np.abs(errors).max() < largest
    assert np.abs(errors).max() > largest / 3


@pytest.mark.parametrize("n_bins", [8, 36, 360])
def test_linear_votes_agree_with_quarter_turns(crop: NDArray[np.uint8], n_bins: int) -> None:
    """So the two bins on either side of angle 0 share as any others do."""
    params = SiftParams(orientation_votes="linear", n_orientation_bins=n_bins)
    places = siftcore.extract(crop)[:200]
    turned_places = np.c_[places.xy[:, 1], crop.shape[1] - 1 - places.xy[:, 0]]
    found = siftcore.describe(crop, places.xy, places.sigma, params=params)
    turned = siftcore.describe(np.rot90(crop), turned_places, places.sigma, params=params)
    turns = angle_difference(turned.angle.astype(np.float64) + math.pi / 2, found.angle)
    assert (np.abs(turns) < 1e-2).mean() > 0.9


def test_turned_blobs() -> None:
    angles = []
    for direction in DIRECTIONS:
        found = siftcore.extract(wedge(direction))
        near = found[np.hypot(found.xy[:, 0] - 56.3, found.xy[:, 1] - 43.6) < 3]
        assert len(near) > 0
        turns = angle_difference(near.angle.astype(np.float64), direction)
        angles.append(float(near.angle[np.argmin(np.abs(turns))]))
    errors = errors_deg(angles)
    assert abs(errors.mean()) < 0.2
    assert np.abs(errors).max() < 3


def test_upright_gives_angle_zero_once(crop: NDArray[np.uint8]) -> None:
    upright = siftcore.extract(crop, params=SiftParams(upright=True))
    turned = siftcore.extract(crop)
    assert (upright.angle == 0).all()
    places = np.unique(np.c_[turned.xy, turned.sigma], axis=0)
    np.testing.assert_array_equal(np.unique(np.c_[upright.xy, upright.sigma], axis=0), places)
    assert len(upright) == len(places) < len(turned)
    given = siftcore.describe(crop, places[:, :2], places[:, 2], params=SiftParams(upright=True))
    assert (given.angle == 0).all()


def test_at_most_so_many_orientations(crop: NDArray[np.uint8]) -> None:
    every = siftcore.extract(crop)
    single = siftcore.extract(crop, params=SiftParams(max_orientations=1))
    places, counts = np.unique(np.c_[every.xy, every.sigma], axis=0, return_counts=True)
    assert counts.max() > 1
    assert len(single) == len(places)
    kept = {tuple(row) for row in np.c_[single.xy, single.sigma, single.angle].tolist()}
    assert kept < {tuple(row) for row in np.c_[every.xy, every.sigma, every.angle].tolist()}


def test_a_peak_ratio_of_1_keeps_the_highest_peak(crop: NDArray[np.uint8]) -> None:
    every = siftcore.extract(crop)
    highest = siftcore.extract(crop, params=SiftParams(orientation_peak_ratio=1.0))
    single = siftcore.extract(crop, params=SiftParams(max_orientations=1))
    assert 0 < len(highest) < len(every)
    np.testing.assert_array_equal(highest.xy, single.xy)
    np.testing.assert_array_equal(highest.angle, single.angle)


@pytest.mark.parametrize("contrast", [1e-3, 1e-6, 1e-12])
def test_faint_images_have_the_same_angles_and_descriptors(
    crop: NDArray[np.uint8], contrast: float
) -> None:
    image = crop.astype(np.float32) / 255
    features = siftcore.extract(image)
    faint = (np.float32(contrast) * image).astype(np.float32)
    for angle in (features.angle, None):
        expected = siftcore.describe(image, features.xy, features.sigma, angle)
        found = siftcore.describe(faint, features.xy, features.sigma, angle)
        turns = angle_difference(found.angle.astype(np.float64), expected.angle)
        # Rounding may move a vote into the next bin.
        assert (np.abs(turns) < 5e-3).mean() > 0.99
        same = np.abs(found.descriptors - expected.descriptors).max(axis=1) < 1e-2
        assert same.mean() > 0.99
