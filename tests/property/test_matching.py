"""Matching against the naive mirror, and on real pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import siftcore
from siftcore import Features
from siftcore.verification import estimate_geometry
from tests.reference import naive

Image = NDArray[np.uint8]


def features_of(descriptors: NDArray[np.float32]) -> Features:
    n = len(descriptors)
    return Features(
        xy=np.zeros((n, 2), np.float32),
        sigma=np.ones(n, np.float32),
        angle=np.zeros(n, np.float32),
        response=np.ones(n, np.float32),
        octave=np.zeros(n, np.int16),
        level=np.ones(n, np.float32),
        descriptors=descriptors,
        image_size=(10, 10),
        provider="dog",
    )


def random_descriptors(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    descriptors = rng.random((n, 128), np.float32) ** 3
    return descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n=st.integers(0, 60),
    m=st.integers(0, 60),
    ratio=st.floats(0.3, 1.0),
    mutual=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_matches_are_the_naive_ones(n: int, m: int, ratio: float, mutual: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_descriptors(rng, n), random_descriptors(rng, m)
    shared = min(n, m) // 2
    b[:shared] = a[:shared] + rng.normal(0, rng.uniform(0.005, 0.08), (shared, 128))
    matches = siftcore.match_features(features_of(a), features_of(b), ratio=ratio, mutual=mutual)
    expected = naive.match(a.astype(np.float64), b.astype(np.float64), ratio, mutual)
    assert [tuple(pair) for pair in matches.indices.tolist()] == expected
    for (i, j), distance, quotient in zip(expected, matches.distance, matches.ratio, strict=True):
        distances = np.linalg.norm(b.astype(np.float64) - a[i], axis=1)
        assert distance == pytest.approx(distances[j], abs=1e-3)
        if m > 1:
            assert quotient == pytest.approx(distances[j] / np.sort(distances)[1], abs=1e-3)


def test_shapes_and_dtypes() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((0, 0), (0, 5), (5, 0), (1, 1), (7, 9)):
        a, b = features_of(random_descriptors(rng, n)), features_of(random_descriptors(rng, m))
        matches = siftcore.match_features(a, b)
        assert matches.indices.shape == (len(matches), 2)
        assert matches.indices.dtype == np.int32
        assert matches.distance.shape == matches.ratio.shape == (len(matches),)
        assert matches.distance.dtype == matches.ratio.dtype == np.float32


def test_mutual_matches_are_one_to_one(camera: Image) -> None:
    a = siftcore.extract(camera[:260, :330])
    b = siftcore.extract(camera[60:320, 40:400])
    mutual = siftcore.match_features(a, b)
    assert len(mutual) > 100
    for side in mutual.indices.T:
        assert len(np.unique(side)) == len(mutual)
    one_way = siftcore.match_features(a, b, mutual=False)
    assert {tuple(p) for p in mutual.indices.tolist()} < {
        tuple(p) for p in one_way.indices.tolist()
    }


def test_overlapping_views_match_where_they_overlap(camera: Image) -> None:
    result = siftcore.match(camera[:260, :330], camera[60:320, 40:400])
    shift = result.xy_a - result.xy_b
    right = np.hypot(shift[:, 0] - 40, shift[:, 1] - 60) < 0.5
    assert len(result) > 100
    assert right.mean() > 0.95
    assert result.inliers is None
    assert result.model is None


def test_stereo_pair_matches_along_rows(motorcycle: tuple[Image, Image]) -> None:
    # Rectified: the same point lies on the same row of both, further left in the right image.
    result = siftcore.match(*motorcycle, max_keypoints=1500)
    shift = result.xy_a - result.xy_b
    assert len(result) > 300
    assert (np.abs(shift[:, 1]) < 1.5).mean() > 0.85
    assert (shift[:, 0] > 0).mean() > 0.9
    assert len(result.features_a) == len(result.features_b) == 1500


def test_match_is_extract_and_match_features(camera: Image) -> None:
    a, b = camera[:200, :260], camera[40:240, 20:280]
    result = siftcore.match(a, b, ratio=0.7, max_keypoints=200)
    fa, fb = (siftcore.extract(image, max_keypoints=200) for image in (a, b))
    expected = siftcore.match_features(fa, fb, ratio=0.7)
    np.testing.assert_array_equal(result.matches.indices, expected.indices)
    np.testing.assert_array_equal(result.features_b.xy, fb.xy)


def test_match_hands_its_settings_on(camera: Image) -> None:
    a, b = camera[:200, :260], camera[40:240, 20:280]
    result = siftcore.match(
        a, b, ratio=0.9, mutual=False, max_keypoints=200, geometry="homography", max_error=0.4
    )
    expected = siftcore.match_features(result.features_a, result.features_b, 0.9, mutual=False)
    np.testing.assert_array_equal(result.matches.indices, expected.indices)
    mutual = siftcore.match_features(result.features_a, result.features_b, 0.9)
    assert len(mutual) < len(expected)
    model, inliers = estimate_geometry(result.xy_a, result.xy_b, "homography", 0.4)
    np.testing.assert_array_equal(result.inliers, inliers)
    np.testing.assert_array_equal(result.model, model)
    _, more = estimate_geometry(result.xy_a, result.xy_b, "homography")
    assert inliers.sum() < more.sum()


def test_a_provider_for_each_image(crop: Image) -> None:
    result = siftcore.match(crop, crop, provider=("bicubic-x2", "dog"))
    assert result.features_a.provider == "bicubic-x2"
    assert result.features_b.provider == "dog"
    near = np.hypot(*(result.xy_a - result.xy_b).T) < 0.5
    assert len(result) > 20
    assert near.mean() > 0.9


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.5, float("nan"), "0.8"])
def test_bad_ratio(ratio: object) -> None:
    nothing = features_of(np.zeros((0, 128), np.float32))
    with pytest.raises(siftcore.SiftError, match="ratio"):
        siftcore.match_features(nothing, nothing, ratio=ratio)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64])
def test_other_types_match_as_float32_does(dtype: type, coffee_features: Features) -> None:
    rows = np.round(512 * coffee_features.descriptors).clip(0, 255)
    order = np.random.default_rng(1).permutation(len(rows))
    noisy = (rows[order] + np.random.default_rng(2).integers(0, 9, rows.shape)).clip(0, 255)
    found = siftcore.match_descriptors(rows.astype(dtype), noisy.astype(dtype))
    expected = siftcore.match_descriptors(rows.astype(np.float32), noisy.astype(np.float32))
    assert len(found) > 100
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.distance, expected.distance)
    # Whole numbers have exact distances.
    pairs = found.indices
    differences = rows[pairs[:, 0]] - noisy[pairs[:, 1]]
    np.testing.assert_allclose(found.distance, np.linalg.norm(differences, axis=1), rtol=1e-7)


@pytest.mark.parametrize("length", [1, 2, 5, 64, 256])
def test_any_length_of_descriptor(length: int) -> None:
    rng = np.random.default_rng(length)
    a, b = rng.random((70, length), np.float32), rng.random((90, length), np.float32)
    found = siftcore.match_descriptors(a, b, ratio=None, mutual=False)
    distances = np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=2)
    np.testing.assert_array_equal(found.indices[:, 1], distances.argmin(1))


@pytest.mark.parametrize(
    ("a", "error", "message"),
    [
        (np.zeros(128), siftcore.errors.InputError, r"shape \(N, D\)"),
        (np.zeros((3, 64)), siftcore.errors.InputError, "one length; got 64 and 128"),
        (np.zeros((3, 0)), siftcore.errors.InputError, "no numbers"),
        (np.full((3, 128), np.nan), siftcore.errors.InputError, "finite"),
        (np.full((3, 128), 2e9), siftcore.errors.InputError, "within 1e.09"),
        (np.full((3, 128), -2e9), siftcore.errors.InputError, "within 1e.09"),
        (np.full((3, 128), 1e300), siftcore.errors.InputError, "finite"),
        (np.full((3, 128), "a"), siftcore.errors.InputTypeError, "real numbers"),
        (np.full((3, 128), 1j), siftcore.errors.InputTypeError, "real numbers"),
    ],
)
def test_odd_descriptors_are_refused(a: NDArray[np.float64], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        siftcore.match_descriptors(a, np.ones((4, 128), np.float32))


def test_no_descriptors_are_no_matches() -> None:
    rows = np.ones((4, 128), np.float32)
    assert len(siftcore.match_descriptors(rows[:0], rows)) == 0
    assert len(siftcore.match_descriptors(rows, np.zeros((0, 0)))) == 0


def test_a_ratio_is_passed_by_smaller_ones_only() -> None:
    a = np.zeros((1, 2), np.float32)
    b = np.array([[0, 4], [3, 0]], np.float32)
    (match,) = siftcore.match_descriptors(a, b, ratio=0.7501).ratio
    assert match == 0.75
    assert len(siftcore.match_descriptors(a, b, ratio=0.75)) == 0


@pytest.mark.parametrize("away", [0.0, 2.0])
def test_two_that_are_equally_near_are_kept_without_a_ratio_only(away: float) -> None:
    a = np.zeros((1, 2), np.float32)
    b = np.array([[away, 0], [0, away], [9, 9]], np.float32)
    assert len(siftcore.match_descriptors(a, b, ratio=0.999)) == 0
    for ratio in (None, 1.0):
        found = siftcore.match_descriptors(a, b, ratio=ratio)
        assert found.indices.tolist() == [[0, 0]]
        assert (found.distance[0], found.ratio[0]) == (away, 1.0)


def test_the_largest_descriptors_are_taken() -> None:
    rows = np.array([[1e9, -1e9], [-1e9, 1e9]], np.float32)
    assert siftcore.match_descriptors(rows, rows).indices.tolist() == [[0, 0], [1, 1]]


@pytest.fixture(scope="module")
def coffee_features() -> Features:
    from skimage import data

    return siftcore.extract(data.coffee(), max_keypoints=600)
