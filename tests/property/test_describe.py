"""Describing given keypoints: their order, their values, their descriptors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import siftcore
from tests.keypoints import angle_difference, correlations

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def features(camera: Image) -> siftcore.Features:
    return siftcore.extract(camera)


def test_given_keypoints_come_back_in_their_order(crop: Image) -> None:
    rng = np.random.default_rng(5)
    xy = rng.uniform((0, 0), (159, 127), (80, 2)).astype(np.float32)
    sigma = rng.uniform(0.8, 12, 80).astype(np.float32)
    angle = rng.uniform(0, 6.28, 80).astype(np.float32)
    described = siftcore.describe(crop, xy, sigma, angle)
    np.testing.assert_array_equal(described.xy, xy)
    np.testing.assert_array_equal(described.sigma, sigma)
    np.testing.assert_allclose(described.angle, angle, atol=1e-6)
    backwards = siftcore.describe(crop, xy[::-1], sigma[::-1], angle[::-1])
    np.testing.assert_array_equal(backwards.descriptors, described.descriptors[::-1])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    x=st.floats(-0.5, 159.5),
    y=st.floats(-0.5, 127.5),
    sigma=st.floats(0.01, 200),
    angle=st.floats(-9, 9),
)
def test_any_keypoint_is_taken(crop: Image, x: float, y: float, sigma: float, angle: float) -> None:
    # On the border, smaller or larger than any octave: an answer for each, never an exception.
    described = siftcore.describe(crop, [[x, y]], [sigma], [angle])
    assert described.descriptors.shape == (1, 128)
    norm = np.linalg.norm(described.descriptors)
    assert norm == pytest.approx(1, abs=1e-5) or norm == 0
    assert 0 <= described.angle[0] < 2 * math.pi
    assert abs(angle_difference(float(described.angle[0]), angle)) < 1e-5


def test_extracted_keypoints_get_their_own_descriptors(
    camera: Image, features: siftcore.Features
) -> None:
    again = siftcore.describe(camera, features.xy, features.sigma, features.angle)
    correlation = correlations(again.descriptors, features.descriptors)
    assert correlation.mean() > 0.999
    assert np.median(correlation) > 0.99999


def test_a_providers_grid_is_where_its_keypoints_are_described(crop: Image) -> None:
    for provider in ("bicubic-x2", "bicubic-x4"):
        features = siftcore.extract(crop, provider, max_keypoints=200)
        again = siftcore.describe(crop, features.xy, features.sigma, features.angle, provider)
        correlation = correlations(again.descriptors, features.descriptors)
        assert np.median(correlation) > 0.99999


def test_missing_angles_are_found(camera: Image, features: siftcore.Features) -> None:
    found = siftcore.describe(camera, features.xy, features.sigma)
    assert len(found) == len(features)
    places, row, counts = np.unique(
        np.c_[features.xy, features.sigma], axis=0, return_inverse=True, return_counts=True
    )
    assert len(places) > 300
    single = counts[row.ravel()] == 1
    turns = angle_difference(found.angle[single].astype(float), features.angle[single])
    assert (np.abs(turns) < math.radians(1)).mean() > 0.95


def test_no_keypoints(crop: Image) -> None:
    for angle in (None, np.zeros(0, np.float32)):
        described = siftcore.describe(crop, np.zeros((0, 2)), np.zeros(0), angle)
        assert described.descriptors.shape == (0, 128)


@pytest.mark.parametrize("point", [(-0.6, 5), (5, -0.6), (159.6, 5), (5, 127.6), (1e9, 1e9)])
def test_points_outside_are_refused(crop: Image, point: tuple[float, float]) -> None:
    with pytest.raises(siftcore.InputError, match="160 x 128"):
        siftcore.describe(crop, [(3, 4), point], 2.0, 0.0)


def test_the_outer_edges_of_the_outer_pixels_are_inside(crop: Image) -> None:
    corners = [(-0.5, -0.5), (159.5, -0.5), (-0.5, 127.5), (159.5, 127.5)]
    described = siftcore.describe(crop, corners, 2.0, 0.0)
    np.testing.assert_allclose(np.linalg.norm(described.descriptors, axis=1), 1.0, atol=1e-5)


def test_lengths_must_agree(crop: Image) -> None:
    with pytest.raises(siftcore.InputError, match="2"):
        siftcore.describe(crop, [[1, 2], [3, 4], [5, 6]], [1.0, 2.0])
    with pytest.raises(siftcore.InputError):
        siftcore.describe(crop, [[1, 2, 3]], [1.0])
    for sigma in (-1.0, 0.0):
        with pytest.raises(siftcore.InputError, match="positive"):
            siftcore.describe(crop, [[1, 2]], [sigma])
    with pytest.raises(siftcore.InputError):
        siftcore.describe(crop, [[math.nan, 2]], [1.0])
