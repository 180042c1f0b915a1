"""The mirror itself: checked against the published program, so that kernels may trust it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import GOLDEN_DIR, load_golden
from tests.keypoints import agreement, correlations
from tests.reference import naive
from tests.reference import naive_detection as stages

NAME = "coffee"


@pytest.fixture(scope="module")
def keypoints() -> np.ndarray:
    found, _ = naive.extract(load_golden(NAME).grey / 256)
    return np.array([(k.x, k.y, k.sigma, k.angle) for k in found])


def test_every_stage_keeps_what_the_program_keeps() -> None:
    golden = load_golden(NAME)
    survivors: dict[str, int] = dict.fromkeys(
        ("extrema", "contrast_prefilter", "refined", "contrast", "edge", "border"), 0
    )
    threshold = stages.contrast_threshold()
    for octave in stages.scale_space(golden.grey / 256):
        dogs = stages.differences(octave.gaussians)
        candidates = stages.extrema(dogs)
        survivors["extrema"] += len(candidates)
        strong = candidates[np.abs(dogs[tuple(candidates.T)]) > 0.8 * threshold]
        survivors["contrast_prefilter"] += len(strong)
        points = [point for e in strong if (point := stages.refine(dogs, e)) is not None]
        survivors["refined"] += len(points)
        points = [point for point in points if abs(point.value) > threshold]
        survivors["contrast"] += len(points)
        points = [point for point in points if not stages.is_edge(dogs, point)]
        survivors["edge"] += len(points)
        places = [stages.locate(octave, point) for point in points]
        survivors["border"] += sum(stages.is_inside(*p, *golden.grey.shape) for p in places)
    with np.load(GOLDEN_DIR / f"{NAME}.npz") as data:
        for stage, count in survivors.items():
            assert abs(count - len(data[f"stage_{stage}"])) <= 1, stage


def test_keypoints_are_the_programs(keypoints: np.ndarray) -> None:
    golden = load_golden(NAME)
    there = agreement(golden.keypoints, keypoints)
    assert there.share >= 0.998
    assert np.median(there.distance) < 1e-4
    assert agreement(keypoints, golden.keypoints).share >= 0.998


def test_descriptors_are_the_programs() -> None:
    golden = load_golden(NAME)
    points = [
        naive.Keypoint(x, y, sigma, angle, 0.0)
        for (x, y, sigma, _), angle in zip(golden.keypoints, golden.angle_as_published, strict=True)
    ]
    described = naive.describe(golden.grey / 256, points)
    assert np.median(correlations(described, golden.descriptors)) > 0.9995
    # The program cuts 512 times the unit vector to whole numbers: most rows agree to the digit.
    wrong = (np.floor(512 * described) != golden.descriptors).sum(axis=1)
    assert np.median(wrong) <= 1


def test_blur_of_an_impulse_is_the_gaussian() -> None:
    image = np.zeros((41, 57))
    image[20, 30] = 1
    blurred = stages.blur(image, 2.5)
    row, column = np.mgrid[:41, :57]
    expected = np.exp(-((row - 20) ** 2 + (column - 30) ** 2) / (2 * 2.5**2))
    expected[:, np.abs(np.arange(57) - 30) > 10] = 0
    expected[np.abs(np.arange(41) - 20) > 10] = 0
    np.testing.assert_allclose(blurred, expected / expected.sum(), atol=1e-12)


def test_doubling_keeps_samples_and_halves_steps() -> None:
    image = np.array([[0.0, 1.0, 4.0], [2.0, 3.0, 6.0]])
    doubled = stages.double(image)
    assert doubled.shape == (4, 6)
    np.testing.assert_array_equal(doubled[::2, ::2], image)
    np.testing.assert_array_equal(doubled[0], [0, 0.5, 1, 2.5, 4, 4])


def test_refinement_finds_the_top_of_a_quadratic() -> None:
    level, row, column = np.mgrid[:5, :7, :9].astype(float)
    top = (2.2, 3.3, 4.6)
    dogs = 1 - (level - top[0]) ** 2 - (row - top[1]) ** 2 - 2 * (column - top[2]) ** 2
    for start in ((2, 3, 5), (1, 2, 3)):
        point = stages.refine(dogs, np.array(start))
        assert point is not None
        place = np.add(point.offset, (point.level, point.row, point.column))
        np.testing.assert_allclose(place, top, atol=1e-12)
        assert point.value == pytest.approx(1.0)
