"""scikit-image's arrays, and the adapter beside skimage.feature.SIFT."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

import siftcore
from siftcore import Features, InputError, ParameterError
from siftcore.adapters.scikit_image import SIFT
from siftcore.io.scikit_image import from_arrays, from_sift, to_arrays

skimage_feature = pytest.importorskip("skimage.feature", reason="needs scikit-image")


@pytest.fixture(scope="module")
def part(camera: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(camera[100:300, 150:400])


@pytest.fixture(scope="module")
def theirs(part: np.ndarray) -> object:
    sift = skimage_feature.SIFT()
    sift.detect_and_extract(part)
    return sift


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(float), b.astype(float)
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def test_arrays_are_of_the_same_kind(part: np.ndarray, theirs: object) -> None:
    ours = SIFT()
    ours.detect_and_extract(part)
    for name in (
        "keypoints",
        "positions",
        "sigmas",
        "orientations",
        "octaves",
        "scales",
        "descriptors",
    ):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert mine.dtype == other.dtype, name
        assert mine.shape[1:] == other.shape[1:], name
        assert len(mine) > 0.7 * len(other)
    assert set(np.unique(ours.scales)) == set(np.unique(theirs.scales))
    assert ours.octaves.min() == theirs.octaves.min() == 0
    assert ours.orientations.min() < -1 < 1 < ours.orientations.max() <= np.pi


def test_keypoints_and_descriptors_agree(part: np.ndarray, theirs: object) -> None:
    ours = SIFT()
    ours.detect_and_extract(part)
    distance = np.linalg.norm(theirs.positions[:, None] - 0.25 - ours.positions, axis=2)
    turn = theirs.orientations[:, None] - ours.orientations
    turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    scale = np.abs(np.log(theirs.sigmas[:, None] / ours.sigmas))
    row, column = np.nonzero((distance < 0.25) & (turn < 0.2) & (scale < 0.1))
    assert len(row) > 0.7 * len(theirs.positions)
    # It enlarges on another grid, so positions differ by more than OpenCV's do.
    assert np.abs(np.median(theirs.positions[row] - 0.25 - ours.positions[column], 0)).max() < 0.02
    assert (theirs.octaves[row] == ours.octaves[column]).mean() > 0.98
    assert (theirs.scales[row] == ours.scales[column]).mean() > 0.95
    assert np.median(cosines(theirs.descriptors[row], ours.descriptors[column])) > 0.95
    matched = skimage_feature.match_descriptors(
        theirs.descriptors, ours.descriptors, max_ratio=0.8, cross_check=True
    )
    true = distance[matched[:, 0], matched[:, 1]] < 1.0
    assert len(matched) > 0.6 * len(theirs.positions)
    assert true.mean() > 0.95


def test_their_features_are_read(part: np.ndarray, theirs: object) -> None:
    ours = siftcore.extract(part)
    read = from_sift(theirs, (250, 200))
    matches = siftcore.match_features(read, ours)
    difference = read.xy[matches.indices[:, 0]] - ours.xy[matches.indices[:, 1]]
    assert len(matches) > 0.6 * len(read)
    assert np.abs(np.median(difference, axis=0)).max() < 0.02
    assert set(np.unique(read.octave)) <= set(range(-1, 5))
    assert read.provider == "scikit-image"


def test_features_come_back(crop: np.ndarray) -> None:
    features = siftcore.extract(crop)
    arrays = to_arrays(features)
    np.testing.assert_array_equal(arrays.positions, features.xy[:, ::-1])
    back = from_arrays(
        arrays.positions,
        arrays.sigmas,
        arrays.orientations,
        arrays.descriptors,
        features.image_size,
        octaves=arrays.octaves,
        scales=arrays.scales,
        upsampling=2,
    )
    for name in ("xy", "sigma", "octave"):
        np.testing.assert_array_equal(getattr(back, name), getattr(features, name), err_msg=name)
    turn = (back.angle - features.angle + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turn).max() < 1e-6
    assert cosines(back.descriptors, features.descriptors).min() > 0.999


def test_extract_describes_what_detect_found(crop: np.ndarray) -> None:
    whole, parts = SIFT(), SIFT()
    whole.detect_and_extract(crop)
    with pytest.raises(InputError, match="detect first"):
        parts.extract(crop)
    parts.detect(crop)
    assert parts.descriptors is None
    np.testing.assert_array_equal(parts.positions, whole.positions)
    with pytest.raises(InputError, match="shape"):
        parts.extract(crop[0])
    parts.extract(crop)
    assert np.median(cosines(parts.descriptors, whole.descriptors)) > 0.999


def test_settings_reach_the_engine(crop: np.ndarray) -> None:
    whole, coarse = SIFT(), SIFT(upsampling=1, n_octaves=2, c_dog=0.02)
    whole.detect_and_extract(crop)
    coarse.detect_and_extract(crop)
    expected = siftcore.extract(
        crop, params=siftcore.SiftParams(first_octave=0, n_octaves=2, contrast_threshold=0.02)
    )
    np.testing.assert_array_equal(coarse.positions, expected.xy[:, ::-1])
    assert set(np.unique(coarse.octaves)) <= {0, 1}
    assert len(coarse.positions) < len(whole.positions)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upsampling", 4),
        ("upsampling", [2]),
        ("n_scales", 0),
        ("sigma_min", "1.6"),
        ("c_max", 2.0),
        ("lambda_descr", "6"),
        ("lambda_descr", 1000),
    ],
)
def test_bad_settings_are_refused_by_their_names(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"^{name} must be"):
        SIFT(**{name: value})


def test_the_arguments_are_scikit_images_in_its_order(crop: np.ndarray) -> None:
    ours = list(inspect.signature(SIFT).parameters.values())
    theirs = list(inspect.signature(skimage_feature.SIFT).parameters.values())
    assert [p.name for p in ours[: len(theirs)]] == [p.name for p in theirs]
    assert [p.default for p in ours[: len(theirs)]] == [p.default for p in theirs]
    assert {p.kind for p in ours[len(theirs) :]} == {inspect.Parameter.KEYWORD_ONLY}
    for wrong in ({"n_hist": 3}, {"n_ori": 6}):
        with pytest.raises(ParameterError, match=r"which siftcore's descriptor has; got"):
            SIFT(**wrong)


def test_values_of_another_range(crop: np.ndarray) -> None:
    plain, ranged = SIFT(), SIFT(value_range=(-1.0, 1.0))
    plain.detect_and_extract(crop)
    centred = crop / 127.5 - 1.0
    with pytest.raises(InputError, match="pass value_range"):
        plain.detect_and_extract(centred)
    ranged.detect_and_extract(centred)
    np.testing.assert_allclose(ranged.positions, plain.positions, atol=1e-3)
    ranged.extract(centred)
    assert np.median(cosines(ranged.descriptors, plain.descriptors)) > 0.999


def test_scales_and_keypoints_are_whole_numbers(crop: np.ndarray) -> None:
    features = siftcore.extract(crop, max_keypoints=3)
    levels = replace(features, level=np.array([0.45, 1.2, 2.6], np.float32))
    assert to_arrays(levels).scales.tolist() == [1, 1, 3]
    moved = replace(features, xy=np.array([[3.4, 7.6], [3.6, 7.4], [0.0, 9.9]], np.float32))
    assert to_arrays(moved).keypoints.tolist() == [[8, 3], [7, 4], [10, 0]]


def test_no_keypoints() -> None:
    sift = SIFT()
    sift.detect_and_extract(np.zeros((64, 64)))
    assert sift.positions.shape == (0, 2)
    assert sift.descriptors.shape == (0, 128)
    assert len(from_arrays(*to_arrays(Features.empty((9, 9), "dog"))[1:4], None, (9, 9))) == 0


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(InputError, match="detect_and_extract first"):
        from_sift(skimage_feature.SIFT(), (9, 9))
    with pytest.raises(InputError, match="row and column"):
        from_arrays(np.zeros((3, 3)), np.ones(3), np.zeros(3), None, (9, 9))
    with pytest.raises(InputError, match="sigma"):
        from_arrays(np.zeros((3, 2)), np.ones(2), np.zeros(3), None, (9, 9))
