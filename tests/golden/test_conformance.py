"""siftcore's defaults against the published reference program (data/README.md)."""

from __future__ import annotations

import numpy as np
import pytest

import siftcore
from tests.conftest import Golden
from tests.keypoints import agreement, angle_difference, correlations, table


@pytest.fixture(scope="module")
def features(golden: Golden) -> siftcore.Features:
    return siftcore.extract(golden.image)


def test_reference_keypoints_are_found(golden: Golden, features: siftcore.Features) -> None:
    ours = agreement(golden.keypoints, table(features))
    assert ours.share >= 0.99
    assert np.median(ours.distance) <= 0.002


def test_our_keypoints_are_in_the_reference(golden: Golden, features: siftcore.Features) -> None:
    assert agreement(table(features), golden.keypoints).share >= 0.99


def test_angles_carry_no_bias(golden: Golden, features: siftcore.Features) -> None:
    # The bar of one degree above would let a bias of half a degree through.
    got = table(features)
    differences = []
    for x, y, _, angle in golden.keypoints:
        same_place = np.hypot(got[:, 0] - x, got[:, 1] - y) < 0.05
        if same_place.any():
            turns = angle_difference(got[same_place, 3], angle)
            differences.append(turns[np.argmin(np.abs(turns))])
    assert abs(np.median(differences)) < np.radians(0.02)


def test_descriptors_of_reference_keypoints(golden: Golden) -> None:
    described = siftcore.describe(
        golden.image,
        golden.keypoints[:, :2].astype(np.float32),
        golden.keypoints[:, 2].astype(np.float32),
        golden.angle_as_published.astype(np.float32),
    )
    assert len(described) == len(golden.keypoints)
    correlation = correlations(described.descriptors, golden.descriptors)
    assert correlation.mean() >= 0.99
    # A keypoint half-way between two levels may be described on either; nothing else differs.
    assert np.median(correlation) >= 0.9995
    assert correlation.min() >= 0.85


def test_comparison_notices_the_half_bin_flaw(golden: Golden) -> None:
    # The measure must tell right angles from the flawed ones, or it measures nothing.
    flawed = golden.keypoints.copy()
    flawed[:, 3] = golden.angle_as_published
    assert agreement(golden.keypoints, flawed).share < 0.1
