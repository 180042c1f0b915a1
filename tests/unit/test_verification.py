"""Geometry of matches: known models, outliers, too few points, the whole of `match`."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.transform import ProjectiveTransform, warp

import siftcore
from siftcore.verification import estimate_geometry

HOMOGRAPHY = np.array([[1.05, 0.08, -12.0], [-0.06, 0.98, 9.0], [1e-4, -5e-5, 1.0]])


def _transfer(model: NDArray[np.float64], xy: NDArray[Any]) -> NDArray[np.float64]:
    mapped = np.column_stack([xy, np.ones(len(xy))]) @ model.T
    return mapped[:, :2] / mapped[:, 2:]


def _points(n: int, outliers: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    random = np.random.default_rng(3)
    a = random.uniform((0, 0), (640, 480), (n, 2))
    b = _transfer(HOMOGRAPHY, a) + random.normal(0, 0.2, (n, 2))
    b[:outliers] = random.uniform((0, 0), (640, 480), (outliers, 2))
    return a.astype(np.float32), b.astype(np.float32)


def test_a_homography_is_found_among_outliers() -> None:
    a, b = _points(200, outliers=80)
    model, inliers = estimate_geometry(a, b, "homography")
    assert model is not None
    assert model[2, 2] == 1.0
    assert inliers.dtype == np.bool_
    assert inliers[80:].all()
    assert inliers[:80].sum() <= 2
    corners = np.array([[0, 0], [639, 0], [0, 479], [639, 479]])
    assert np.abs(_transfer(model, corners) - _transfer(HOMOGRAPHY, corners)).max() < 0.5


def test_the_error_bound_is_in_pixels() -> None:
    a, b = _points(100, outliers=0)
    b[:30, 0] += 2.0
    _, wide = estimate_geometry(a, b, "homography", max_error=4.0)
    _, narrow = estimate_geometry(a, b, "homography", max_error=1.0)
    assert wide.all()
    assert not narrow[:30].any()
    assert narrow[30:].all()


@pytest.mark.parametrize(("geometry", "least"), [("homography", 4), ("fundamental", 7)])
def test_too_few_matches_give_no_model(geometry: Any, least: int) -> None:
    a, b = _points(least - 1, outliers=0)
    model, inliers = estimate_geometry(a, b, geometry)
    assert model is None
    assert inliers.shape == (least - 1,)
    assert not inliers.any()


def _seen_twice(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points in space from two places, in pixels."""
    random = np.random.default_rng(5)
    points = random.uniform((-2, -2, 4), (2, 2, 9), (n, 3))
    moved = points + np.array([1.0, 0.3, -0.5])
    a, b = (300.0 * p[:, :2] / p[:, 2:] + (320, 240) for p in (points, moved))
    return a.astype(np.float32), b.astype(np.float32)


def test_as_few_points_as_determine_a_model_give_it() -> None:
    a, _ = _points(4, outliers=0)
    b = _transfer(HOMOGRAPHY, a.astype(float)).astype(np.float32)
    model, inliers = estimate_geometry(a, b, "homography")
    assert inliers.tolist() == [True] * 4
    np.testing.assert_allclose(model, HOMOGRAPHY / HOMOGRAPHY[2, 2], rtol=1e-2, atol=1e-4)
    model, inliers = estimate_geometry(*_seen_twice(7), "fundamental")
    assert inliers.tolist() == [True] * 7
    assert np.linalg.norm(model) == pytest.approx(1.0)


def test_coincident_points_give_no_model() -> None:
    same = np.full((20, 2), 7.0, np.float32)
    for geometry in ("homography", "fundamental"):
        model, inliers = estimate_geometry(same, same, geometry)
        assert model is None
        assert inliers.tolist() == [False] * 20


def test_a_warped_photograph_gives_its_homography(camera: NDArray[np.uint8]) -> None:
    """Ground truth from the warp itself: corners of the image to within half a pixel."""
    warped = warp(camera, ProjectiveTransform(HOMOGRAPHY).inverse, order=3)
    result = siftcore.match(camera, warped.clip(0, 1), geometry="homography")
    assert result.model is not None
    assert result.inliers is not None
    assert result.inliers.sum() > 150
    assert result.inliers.mean() > 0.8
    corners = np.array([[0, 0], [511, 0], [0, 511], [511, 511]])
    error = np.linalg.norm(
        _transfer(result.model, corners) - _transfer(HOMOGRAPHY, corners), axis=1
    )
    assert error.max() < 0.5


def test_a_stereo_pair_gives_its_epipolar_lines(
    motorcycle: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    """The pair is rectified: epipolar lines are rows."""
    result = siftcore.match(*motorcycle, geometry="fundamental", max_error=1.0)
    assert result.model is not None
    assert result.inliers is not None
    assert result.inliers.mean() > 0.7
    assert np.abs((result.xy_a - result.xy_b)[result.inliers, 1]).mean() < 0.5
    assert np.linalg.norm(result.model) == pytest.approx(1.0)
    a = np.column_stack([result.xy_a, np.ones(len(result))])[result.inliers]
    b = np.column_stack([result.xy_b, np.ones(len(result))])[result.inliers]
    line = a @ result.model.T
    distance = np.abs((b * line).sum(axis=1)) / np.hypot(line[:, 0], line[:, 1])
    assert np.median(distance) < 0.5


def test_the_same_matches_give_the_same_model() -> None:
    a, b = _points(150, outliers=60)
    models = [estimate_geometry(a, b, "fundamental")[0] for _ in range(3)]
    assert models[0] is not None
    assert all(np.array_equal(models[0], model) for model in models)


def test_bad_requests_fail_before_the_work(crop: NDArray[np.uint8]) -> None:
    with pytest.raises(siftcore.ParameterError, match="'fundamental'"):
        siftcore.match(crop, crop, geometry="affine")  # type: ignore[arg-type]
    for bad in (0.0, -1.0, float("nan"), "3"):
        with pytest.raises(siftcore.ParameterError, match="max_error"):
            siftcore.match(crop, crop, geometry="homography", max_error=bad)  # type: ignore[arg-type]


def test_without_poselib_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, crop: NDArray[np.uint8]
) -> None:
    real_import = builtins.__import__

    def no_poselib(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "poselib":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_poselib)
    with pytest.raises(siftcore.MissingDependencyError, match=r"siftcore\[geometry\]"):
        siftcore.match(crop, crop, geometry="homography")
    assert siftcore.match(crop, crop).model is None
