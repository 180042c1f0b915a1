"""Keypoints through cv2.KeyPoint, and the adapter beside cv2.SIFT."""

from __future__ import annotations

import numpy as np
import pytest

import siftcore
from siftcore import Features, InputError, InputTypeError, ParameterError
from siftcore.adapters.opencv import SIFT
from siftcore.io.opencv import from_keypoints, to_descriptors, to_keypoints

cv2 = pytest.importorskip("cv2", reason="needs OpenCV")


@pytest.fixture(scope="module")
def features(crop: np.ndarray) -> Features:
    return siftcore.extract(crop)


def test_keypoints_hold_opencv_values(features: Features) -> None:
    keypoints = to_keypoints(features)
    assert all(isinstance(keypoint, cv2.KeyPoint) for keypoint in keypoints)
    np.testing.assert_array_equal(cv2.KeyPoint.convert(keypoints), features.xy)
    np.testing.assert_array_equal([k.size for k in keypoints], 2 * features.sigma)
    np.testing.assert_allclose([k.angle for k in keypoints], np.rad2deg(features.angle), atol=1e-4)
    assert {k.octave & 255 for k in keypoints} == {int(o) & 255 for o in features.octave}
    assert {k.octave >> 8 & 255 for k in keypoints} == {1, 2, 3}


def test_features_come_back(features: Features) -> None:
    back = from_keypoints(to_keypoints(features), to_descriptors(features), features.image_size)
    for name in ("xy", "sigma", "response", "octave"):
        np.testing.assert_array_equal(getattr(back, name), getattr(features, name), err_msg=name)
    np.testing.assert_allclose(back.angle, features.angle, atol=1e-6)
    np.testing.assert_allclose(back.level, features.level, atol=0.51 / 255)
    np.testing.assert_allclose(back.descriptors, features.descriptors, atol=1.5 / 512)
    assert back.provider == "opencv"


def test_no_keypoints() -> None:
    empty = Features.empty((20, 10), "dog")
    assert to_keypoints(empty) == []
    assert to_descriptors(empty).shape == (0, 128)
    # What cv2 returns for an empty image.
    assert len(from_keypoints((), None, (20, 10))) == 0
    keypoints, descriptors = SIFT().detectAndCompute(np.zeros((64, 64), np.uint8))
    assert (keypoints, descriptors.shape) == ([], (0, 128))
    keypoints, descriptors = SIFT().compute(np.zeros((64, 64), np.uint8), [])
    assert (keypoints, descriptors.shape) == ([], (0, 128))


def test_bad_keypoints_are_refused() -> None:
    with pytest.raises(InputTypeError, match=r"cv2\.KeyPoint"):
        from_keypoints([(1.0, 2.0)], None, (20, 10))
    with pytest.raises(InputError, match="positive"):
        from_keypoints([cv2.KeyPoint(1.0, 2.0, 0.0)], None, (20, 10))
    with pytest.raises(InputError, match="descriptors"):
        from_keypoints([cv2.KeyPoint(1.0, 2.0, 3.0)], np.zeros((2, 128)), (20, 10))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nOctaveLayers": 4},
        {"contrastThreshold": 0.06, "edgeThreshold": 6.0, "sigma": 1.8},
    ],
)
def test_adapter_agrees_with_opencv(camera: np.ndarray, settings: dict[str, float]) -> None:
    theirs, their_rows = cv2.SIFT_create(
        **{"nfeatures": 0, **settings}, enable_precise_upscale=True
    ).detectAndCompute(camera, None)
    ours, our_rows = SIFT(**settings).detectAndCompute(camera)
    # OpenCV leaves out a border of each octave.
    assert 1.0 <= len(ours) / len(theirs) < 1.2
    assert our_rows.dtype == their_rows.dtype == np.float32

    def table(keypoints: object) -> np.ndarray:
        return np.array([(*k.pt, k.size, k.angle, k.response) for k in keypoints])

    a, b = table(ours), table(theirs)
    turn = np.abs((a[:, None, 3] - b[:, 3] + 180) % 360 - 180)
    near = np.hypot(*(a[:, None, :2] - b[:, :2]).transpose(2, 0, 1)) < 0.1
    same = near & (np.abs(np.log(a[:, None, 2] / b[:, 2])) < 0.1)
    assert same.any(axis=0).mean() > 0.92
    # Either has its own angles where a peak is near the limit.
    turned_alike = same & (turn < 10)
    assert turned_alike.any(axis=0).mean() > 0.8
    row, column = np.nonzero(turned_alike)
    np.testing.assert_allclose(np.median(a[row, 4] / b[column, 4]), 1.0, atol=0.01)
    norms = np.linalg.norm(our_rows[row], axis=1) * np.linalg.norm(their_rows[column], axis=1)
    cosine = (our_rows[row] * their_rows[column]).sum(axis=1) / norms
    assert np.median(cosine) > 0.99
    np.testing.assert_allclose(np.linalg.norm(our_rows, axis=1), 512, rtol=0.05)


def test_descriptors_of_opencv_keypoints(camera: np.ndarray) -> None:
    sift = cv2.SIFT_create(enable_precise_upscale=True, nfeatures=0)
    keypoints, theirs = sift.detectAndCompute(camera, None)
    returned, ours = SIFT().compute(camera, keypoints)
    assert returned == list(keypoints)
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert np.median((ours * theirs).sum(axis=1) / norms) > 0.99


def test_opencv_describes_our_keypoints(camera: np.ndarray) -> None:
    """Its compute reads the packed octave, so that says whether ours is right."""
    keypoints, ours = SIFT(nfeatures=300).detectAndCompute(camera)
    _, theirs = cv2.SIFT_create(enable_precise_upscale=True, nfeatures=0).compute(camera, keypoints)
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert np.median((ours * theirs).sum(axis=1) / norms) > 0.99


def test_colour_is_bgr_and_the_budget_comes_after_the_mask(
    motorcycle: tuple[np.ndarray, np.ndarray],
) -> None:
    rgb = motorcycle[0][:200, :240]
    mask = np.zeros(rgb.shape[:2], np.uint8)
    mask[:, :120] = 255
    keypoints = SIFT.create(nfeatures=20).detect(np.ascontiguousarray(rgb[..., ::-1]), mask)
    expected = siftcore.extract(rgb, params="opencv", mask=mask, max_keypoints=20)
    assert len(keypoints) == 20
    np.testing.assert_array_equal([k.pt for k in keypoints], expected.xy)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match="nfeatures"):
        SIFT(nfeatures=-1)
    for name, value in (
        ("nfeatures", "all"),
        ("nfeatures", 1.5),
        ("contrastThreshold", -0.1),
        ("edgeThreshold", "ten"),
        ("sigma", 99),
    ):
        with pytest.raises(ParameterError, match=f"^{name} must be"):
            SIFT(**{name: value})


def test_what_is_no_image_is_refused_by_compute_too() -> None:
    with pytest.raises(InputError, match="shape"):
        SIFT().compute(np.zeros(5, np.uint8), [cv2.KeyPoint(1.0, 2.0, 3.0)])


def test_both_signatures_of_opencv(crop: np.ndarray) -> None:
    expected, rows = SIFT(50).detectAndCompute(crop)
    for sift in (
        SIFT(50, 3, 0.04, 10, 1.6, True),
        SIFT(50, 3, 0.04, 10, 1.6, cv2.CV_8U, True),
        SIFT.create(50, enable_precise_upscale=True, descriptorType=cv2.CV_8U),
    ):
        found, other = sift.detectAndCompute(crop, None)
        assert [k.pt for k in found] == [k.pt for k in expected]
        assert other.dtype == {0: np.uint8, 5: np.float32}[sift.descriptorType()]
        np.testing.assert_array_equal(other, rows)
    with pytest.raises(ParameterError, match=r"descriptorType must be cv2.CV_32F .* got 7"):
        SIFT(50, 3, 0.04, 10, 1.6, 7)


def test_without_precise_upscaling_positions_agree_with_opencvs_default(
    camera: np.ndarray,
) -> None:
    theirs = cv2.SIFT_create(nfeatures=0).detect(camera, None)
    sift = SIFT(enable_precise_upscale=False)
    keypoints, rows = sift.detectAndCompute(camera)
    a = np.array([(*k.pt, k.size) for k in keypoints])
    b = np.array([(*k.pt, k.size) for k in theirs])
    near = np.hypot(*(a[:, None, :2] - b[:, :2]).transpose(2, 0, 1)) < 0.6
    i, j = np.nonzero(near & (np.abs(np.log(a[:, None, 2] / b[:, 2])) < 0.1))
    # The doubled images differ, and so do many of the finest keypoints.
    assert len(set(j)) > 0.7 * len(theirs)
    assert np.abs(np.median(a[i, :2] - b[j, :2], axis=0)).max() < 0.02
    # What is given back is where it was found.
    _, again = sift.compute(camera, keypoints)
    assert (np.abs(again - rows).max(axis=1) <= 2).mean() > 0.9


def test_getters_setters_and_names_are_opencvs(crop: np.ndarray) -> None:
    ours, theirs = SIFT(nfeatures=7), cv2.SIFT_create(nfeatures=7)
    values = {"NFeatures": 20, "NOctaveLayers": 4, "EdgeThreshold": 8.0, "Sigma": 1.7}
    names = [f"get{name}" for name in (*values, "ContrastThreshold")]
    names += ["getDefaultName", "descriptorSize", "descriptorType", "defaultNorm", "empty"]
    for name in names:
        assert getattr(ours, name)() == getattr(theirs, name)(), name
    for name, value in values.items():
        getattr(ours, f"set{name}")(value)
        assert getattr(ours, f"get{name}")() == value
    ours.setContrastThreshold(0.02)
    made = SIFT(20, 4, 0.02, 8.0, 1.7)
    assert [k.pt for k in ours.detect(crop)] == [k.pt for k in made.detect(crop)]
    assert repr(ours) == repr(made)
    assert ours.clear() is None
    with pytest.raises(ParameterError, match="sigma"):
        ours.setSigma(0.0)


def test_images_of_other_kinds(crop: np.ndarray) -> None:
    expected = [k.pt for k in SIFT(30).detect(crop)]
    assert [k.pt for k in SIFT(30).detect(cv2.UMat(crop), cv2.UMat(np.ones_like(crop)))] == expected
    assert [k.pt for k in SIFT(30).detect(crop[..., None])] == expected
    counts = crop.astype(np.float32)
    assert [k.pt for k in SIFT(30, value_range=(0, 255)).detect(counts)] == expected
    with pytest.raises(InputError, match=r"None, which cv2\.imread returns"):
        SIFT().detect(None)
    with pytest.raises(InputError, match=r"got 'left\.png'; read it"):
        SIFT().detect("left.png")


def test_keypoints_outside_the_image_are_left_out(crop: np.ndarray) -> None:
    given = [cv2.KeyPoint(x, 20.0, 6.0, 30.0) for x in (-3.0, 40.0, 159.4, 160.0)]
    kept, rows = SIFT().compute(crop, given)
    assert kept == given[1:3]
    assert rows.shape == (2, 128)
    np.testing.assert_array_equal(rows, SIFT().compute(crop, given[1:3])[1])
    assert SIFT().compute(crop, given[:1])[0] == []
