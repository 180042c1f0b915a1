"""What a change of the image must do to its keypoints: turning, shifting, dimming, inverting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import siftcore
from tests.keypoints import Array, agreement, angle_difference, correlations, table

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def odd_image(camera: Image) -> Image:
    """Sides of 32 n + 1: the grids of the first six octaves hold both the first and last pixel."""
    return np.ascontiguousarray(camera[120:377, 90:411])


@pytest.fixture(scope="module")
def odd_features(odd_image: Image) -> siftcore.Features:
    return siftcore.extract(odd_image)


def turned(keypoints: Array, quarter_turns: int, width: int, height: int) -> Array:
    """Where np.rot90 takes keypoints (x, y, sigma, angle): (x, y) to (y, width - 1 - x) each."""
    keypoints = keypoints.copy()
    for _ in range(quarter_turns):
        x, y = keypoints[:, 0].copy(), keypoints[:, 1].copy()
        keypoints[:, 0], keypoints[:, 1] = y, width - 1 - x
        keypoints[:, 3] -= math.pi / 2
        width, height = height, width
    return keypoints


def away_from_border(keypoints: Array, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Whose neighbourhood of 4 sigma lies in the image.

    The doubled grid reaches half a pixel beyond the last row and column, but not beyond the first:
    a turned border is mirrored at another place.
    """
    reach = 4 * keypoints[:, 2]
    x, y = keypoints[:, 0], keypoints[:, 1]
    return np.minimum(np.minimum(x, size[0] - 1 - x), np.minimum(y, size[1] - 1 - y)) > reach


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_quarter_turns_turn_keypoints(
    odd_image: Image, odd_features: siftcore.Features, quarter_turns: int
) -> None:
    height, width = odd_image.shape
    expected = turned(table(odd_features), quarter_turns, width, height)
    rotated = siftcore.extract(np.rot90(odd_image, quarter_turns))
    got = table(rotated)
    for a, b in ((expected, got), (got, expected)):
        there = agreement(a, b, px=0.1)
        inner = away_from_border(a, rotated.image_size)
        assert inner.sum() > 200
        assert there.found[inner].mean() >= 0.99
        assert there.share >= 0.99


def test_quarter_turn_keeps_descriptors(odd_image: Image, odd_features: siftcore.Features) -> None:
    height, width = odd_image.shape
    expected = turned(table(odd_features), 1, width, height).astype(np.float32)
    there = siftcore.describe(np.rot90(odd_image), expected[:, :2], expected[:, 2], expected[:, 3])
    here = siftcore.describe(odd_image, odd_features.xy, odd_features.sigma, odd_features.angle)
    assert correlations(there.descriptors, here.descriptors).mean() > 0.999


@settings(max_examples=6, deadline=None, derandomize=True)
@given(dx=st.integers(1, 24).map(lambda n: 2 * n), dy=st.integers(1, 24).map(lambda n: 2 * n))
def test_even_shifts_shift_keypoints(camera: Image, dx: int, dy: int) -> None:
    whole = table(siftcore.extract(camera[:300, :360]))
    part = table(siftcore.extract(camera[dy:300, dx:360]))
    part[:, :2] += (dx, dy)
    # Grids of steps above 2 px do not fall on each other; near the cut, the content differs.
    margin = 48

    def comparable(keypoints: Array) -> Array:
        x, y, sigma = keypoints[:, 0], keypoints[:, 1], keypoints[:, 2]
        inside = (x > dx + margin) & (y > dy + margin) & (x < 360 - margin) & (y < 300 - margin)
        return keypoints[inside & (sigma < 5)]

    assert len(comparable(whole)) > 50
    assert agreement(comparable(whole), part, px=0.02, angle_deg=0.5).share >= 0.99
    assert agreement(comparable(part), whole, px=0.02, angle_deg=0.5).share >= 0.99


@settings(max_examples=8, deadline=None, derandomize=True)
@given(contrast=st.floats(0.2, 1.0), lift=st.floats(0.0, 1.0))
def test_affine_intensities_keep_descriptors(crop: Image, contrast: float, lift: float) -> None:
    image = crop.astype(np.float32) / 255
    dimmed = contrast * image + lift * (1 - contrast)
    features = siftcore.extract(image)
    here = siftcore.describe(image, features.xy, features.sigma, features.angle)
    there = siftcore.describe(dimmed, features.xy, features.sigma, features.angle)
    np.testing.assert_allclose(there.descriptors, here.descriptors, atol=2e-3)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(contrast=st.floats(0.3, 1.0), lift=st.floats(0.0, 1.0))
def test_threshold_scales_with_contrast(crop: Image, contrast: float, lift: float) -> None:
    image = crop.astype(np.float32) / 255
    dimmed = contrast * image + lift * (1 - contrast)
    params = siftcore.SiftParams(contrast_threshold=contrast * 0.04 / 3)
    before, after = siftcore.extract(image), siftcore.extract(dimmed, params=params)
    assert agreement(table(before), table(after)).share >= 0.99
    assert abs(len(after) - len(before)) <= 0.01 * len(before)
    # Responses are DoG values, so they scale too.
    assert np.median(after.response) == pytest.approx(contrast * np.median(before.response), 0.02)


def test_inversion_turns_gradients_around(crop: Image) -> None:
    before, after = table(siftcore.extract(crop)), table(siftcore.extract(255 - crop))
    after[:, 3] += math.pi
    assert agreement(before, after).share >= 0.99
    assert agreement(after, before).share >= 0.99


def test_comparison_notices_swapped_axes(odd_features: siftcore.Features) -> None:
    # The bars above must tell a turned list from one that was turned the wrong way.
    width, height = odd_features.image_size
    keypoints = table(odd_features)
    wrong_way = turned(keypoints, 3, width, height)
    assert agreement(turned(keypoints, 1, width, height), wrong_way, px=0.1).share < 0.05
    assert abs(float(angle_difference(0.1, 2 * math.pi - 0.1)) - 0.2) < 1e-12
