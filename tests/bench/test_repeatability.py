"""Repeatability, matching score and accuracy, where the answers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import siftcore
from bench.extractors import EVERYTHING, make_extractors, top_features
from bench.intervals import Estimate
from bench.metrics.correspondences import common_regions, near, overlapping
from bench.metrics.homographies import transfer
from bench.metrics.overlap import intersection_with_circle, local_affine, overlap_errors
from bench.metrics.pair_scores import PairScores, score_pair
from bench.pairs import hpatches
from bench.program_scores import rankings
from bench.repeatability import run
from bench.report import Report
from bench.session import Session
from bench.store import Store
from siftcore import Features, InputError, PixelSR
from siftcore.errors import ProviderError
from siftcore.scalespace import registry

SAME = np.eye(3)
TILTED = np.array([[0.9, -0.2, 14.0], [0.15, 1.1, -6.0], [2e-4, -1e-4, 1.0]])


def scene() -> NDArray[np.uint8]:
    return data.camera()[100:260, 160:352]


def features(xy: list[tuple[float, float]], sigma: list[float], size: int = 200) -> Features:
    n = len(xy)
    rng = np.random.default_rng(n)
    descriptors = rng.random((n, 128))
    return Features(
        xy=np.reshape(np.array(xy, np.float32), (n, 2)),
        sigma=np.array(sigma, np.float32),
        angle=np.arange(n) / 10,
        response=np.ones(n),
        octave=np.zeros(n),
        level=np.zeros(n),
        descriptors=descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True),
        image_size=(size, size),
        provider="made up",
    )


def lens(distance: float, radius: float) -> float:
    """Area that the unit circle shares with another."""
    if distance <= abs(1.0 - radius):
        return np.pi * min(1.0, radius) ** 2
    if distance >= 1.0 + radius:
        return 0.0
    one = np.arccos((distance**2 + 1 - radius**2) / (2 * distance))
    two = np.arccos((distance**2 + radius**2 - 1) / (2 * distance * radius))
    return float(one - np.sin(2 * one) / 2 + radius**2 * (two - np.sin(2 * two) / 2))


def test_circles_share_a_lens() -> None:
    cases = [(d, r) for d in np.linspace(0, 2.5, 26) for r in (0.3, 0.8, 1.0, 1.4, 2.0)]
    directions = np.random.default_rng(0).uniform(0, 2 * np.pi, len(cases))
    centres = np.array([d * np.array([np.cos(t), np.sin(t)]) for (d, _), t in zip(
        cases, directions, strict=True)])  # fmt: skip
    found = intersection_with_circle(np.array([r * np.eye(2) for _, r in cases]), centres)
    np.testing.assert_allclose(found, [lens(d, r) for d, r in cases], atol=1e-3 * np.pi)


def test_ellipses_against_counted_points() -> None:
    rng = np.random.default_rng(1)
    shapes = rng.normal(0, 0.8, (12, 2, 2)) + np.eye(2)
    centres = rng.normal(0, 0.5, (12, 2))
    line = (np.arange(700) + 0.5) / 350 - 1
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    points = points[(points**2).sum(1) <= 1]
    inverse = np.linalg.inv(shapes)
    counted = [
        (((points - c) @ m.T) ** 2).sum(1).__le__(1).mean()
        for m, c in zip(inverse, centres, strict=True)
    ]
    found = intersection_with_circle(shapes, centres) / np.pi
    np.testing.assert_allclose(found, counted, atol=2e-3)


def test_local_affine_is_the_derivative() -> None:
    xy = np.array([[10.0, 20.0], [150.0, 90.0]])
    found = local_affine(TILTED, xy)
    for axis in (0, 1):
        step = np.eye(2)[axis] * 1e-4
        slope = (transfer(TILTED, xy + step) - transfer(TILTED, xy - step)) / 2e-4
        np.testing.assert_allclose(found[:, :, axis], slope, rtol=1e-5)


def test_overlap_error_of_known_regions() -> None:
    at = np.array([[50.0, 60.0]])
    one = np.ones(1)
    assert overlap_errors(at, one, at, one, SAME) == pytest.approx(0, abs=2e-3)
    # One circle in the other: the share of the areas.
    assert overlap_errors(at, one, at, 2 * one, SAME) == pytest.approx(0.75, abs=2e-3)
    # 12 px apart at a radius of 30: whatever the regions' own size.
    area = lens(12 / 30, 1.0)
    apart = 1 - area / (2 * np.pi - area)
    for sigma in (1.0, 25.0):
        found = overlap_errors(at, sigma * one, at + np.array([12, 0]), sigma * one, SAME)
        assert found == pytest.approx(apart, abs=2e-3)
    assert overlap_errors(at, one, at + np.array([61, 0]), one, SAME) == 1.0


def test_overlap_error_follows_the_homography() -> None:
    at = np.array([[50.0, 60.0]])
    one = np.ones(1)
    twice = np.diag([2.0, 2.0, 1.0])
    assert overlap_errors(at, one, 2 * at, 2 * one, twice) == pytest.approx(0, abs=2e-3)
    # A circle of image b is twice as high as wide in image a: of equal area, half axes r, 1/r.
    squeezed = np.diag([2.0, 0.5, 1.0])
    moved = transfer(squeezed, at)
    # Unit circle and half axes of 1/2 and 2: 4 atan(1/2) is shared.
    shared = 4 * np.arctan(0.5)
    expected = 1 - shared / (2 * np.pi - shared)
    assert overlap_errors(at, one, moved, one, squeezed) == pytest.approx(expected, abs=2e-3)


def test_regions_are_distinct_and_seen_by_both() -> None:
    found = features([(10, 10), (10, 10), (150, 30), (30, 40)], [2, 2, 2, 2])
    shift = np.array([[1.0, 0, 60], [0, 1, 0], [0, 0, 1]])
    regions = common_regions(found, shift, (200, 200))
    assert len(regions) == 2
    assert regions.of_feature[0] == regions.of_feature[1] >= 0
    assert regions.of_feature[2] == -1
    np.testing.assert_allclose(np.sort(regions.moved[:, 0]), [70, 90])
    zoomed = common_regions(found, np.diag([3.0, 3.0, 1.0]), (600, 600))
    np.testing.assert_allclose(zoomed.sigma_moved, 6)


def test_correspondences_are_one_to_one() -> None:
    a = common_regions(features([(50, 50), (120, 80)], [2, 3]), SAME, (200, 200))
    b = common_regions(features([(50, 50), (51, 50), (50, 52)], [2, 2, 2]), SAME, (200, 200))
    assert overlapping(a, b, SAME) == 1
    assert near(a, b) == 1
    assert overlapping(b, a, SAME) == 1
    nobody = common_regions(features([], []), SAME, (200, 200))
    assert overlapping(a, nobody, SAME) == near(nobody, a) == 0


@pytest.mark.parametrize(
    ("away", "sigma", "by_overlap", "by_position"),
    [
        (0.0, 2.0, True, True),
        (2.9, 2.0, True, True),
        (3.1, 2.0, True, False),
        # Circles of equal size share 3/4 of their area up to 0.395 of their radius, 11.86 px.
        (11.7, 2.0, True, False),
        (12.0, 2.0, False, False),
        (0.0, 2.5, True, False),
        # Areas of 0.6: sqrt(1 / 0.6) = 1.291.
        (0.0, 2.57, True, False),
        (0.0, 2.60, False, False),
        (0.0, 1.64, True, True),
        (0.0, 1.60, True, False),
        (0.0, 1.50, False, False),
    ],
)
def test_thresholds(away: float, sigma: float, by_overlap: bool, by_position: bool) -> None:
    a = common_regions(features([(50, 50)], [2]), SAME, (200, 200))
    b = common_regions(features([(50 + away, 50)], [sigma]), SAME, (200, 200))
    assert overlapping(a, b, SAME) == by_overlap
    assert near(a, b) == by_position


def test_no_pair_is_pruned_that_overlaps() -> None:
    """Candidates are taken by distance and area; all pairs tried give the same number."""
    rng = np.random.default_rng(3)
    a = features(list(rng.uniform(0, 60, (80, 2))), list(rng.uniform(1, 3, 80)), 60)
    moved = transfer(TILTED, a.xy) + rng.normal(0, 4, (80, 2))
    b = features(list(moved), list(rng.uniform(1, 3, 80)), 90)
    in_a = common_regions(a, TILTED, b.image_size)
    in_b = common_regions(b, np.linalg.inv(TILTED), a.image_size)
    i, j = (grid.ravel() for grid in np.indices((len(in_a), len(in_b))))
    error = overlap_errors(in_a.xy[i], in_a.sigma[i], in_b.xy[j], in_b.sigma[j], TILTED)
    taken_i, taken_j = set(), set()
    for k in np.argsort(error, kind="stable"):
        if error[k] <= 0.4 and i[k] not in taken_i and j[k] not in taken_j:
            taken_i.add(i[k])
            taken_j.add(j[k])
    assert overlapping(in_a, in_b, TILTED) == len(taken_i) > 20


def test_scores_of_the_same_image() -> None:
    found = siftcore.extract(scene())
    scores = score_pair(found, found, SAME)
    assert scores.keypoints == len(found)
    assert scores.overlap_repeatability == scores.position_repeatability == 1.0
    # Several angles of a region are several descriptors, but no second region.
    assert scores.regions < scores.matches <= scores.keypoints
    assert 0.97 <= scores.matching_score <= 1.0
    assert scores.accuracy == (1.0,) * 10
    assert scores.corner_error < 1e-3


def test_accuracy_steps_where_the_matches_are() -> None:
    found = siftcore.extract(scene())
    shifted = replace(found, xy=found.xy + np.float32([4.5, 0]))
    scores = score_pair(found, shifted, SAME)
    assert scores.accuracy == (0.0,) * 4 + (1.0,) * 6
    assert scores.corner_error == pytest.approx(4.5, abs=1e-2)
    # 4.5 px are no obstacle at a radius of 30.
    assert scores.overlap_repeatability > 0.95
    assert scores.position_repeatability < 0.3


def test_scores_of_nothing() -> None:
    nothing = Features.empty((192, 160), "made up")
    found = siftcore.extract(scene())
    for a, b in ((nothing, nothing), (found, nothing), (nothing, found)):
        scores = score_pair(a, b, SAME)
        assert scores.overlap_repeatability == scores.matching_score == scores.accuracy[-1] == 0.0
        assert scores.corner_error == np.inf


def test_scores_survive_the_cache() -> None:
    found = PairScores(1, 2, 0.3, 0.4, 0.5, 6, tuple(np.arange(10) / 10), np.inf)
    assert PairScores.from_row(found.as_row()) == found


def test_the_largest_are_drawn_from_all(tmp_path: Path) -> None:
    session = Session(Store(tmp_path))
    made = make_extractors(["dog", "dog#largest"], session)
    every = top_features(session, made["dog"], scene(), [EVERYTHING])
    largest = top_features(session, made["dog#largest"], scene(), [20, 50])
    assert every is not None
    assert largest is not None
    np.testing.assert_array_equal(largest[50].sigma, np.sort(every[EVERYTHING].sigma)[::-1][:50])
    np.testing.assert_array_equal(largest[20].xy, largest[50].xy[:20])
    # What is kept does not change what is extracted.
    assert session.store.computed == 1


def test_an_unknown_rule_is_named() -> None:
    session = Session()
    make_extractors(["dog", "dog#smallest"], session)
    assert "dog#largest" in session.failed["dog#smallest"]


def test_no_table_mixes_rules() -> None:
    pytest.importorskip("cv2")
    pytest.importorskip("pycolmap")
    programs = ["dog", "opencv", "dog#largest", "pycolmap", "absent", "pycolmap#largest"]
    made = make_extractors(programs, Session())
    tables = rankings(programs, made, [100])
    assert [(table.title, table.programs) for table in tables] == [
        ("The 100 strongest keypoints", ["dog", "opencv", "absent"]),
        ("The 100 largest keypoints", ["dog#largest", "pycolmap", "pycolmap#largest"]),
        ("All keypoints", ["dog", "opencv", "pycolmap", "absent"]),
    ]
    assert tables[-1].shown("dog#largest") == "dog"
    assert tables[0].shown("dog#largest") == "dog#largest"


def write_oxford(folder: Path) -> Path:
    place = folder / "still"
    place.mkdir(parents=True)
    for k in range(1, 7):
        Image.fromarray(scene()).save(place / f"img{k}.png")
        if k > 1:
            np.savetxt(place / f"H1to{k}p", SAME)
    return folder


def rows(report: Report, title: str) -> dict[str, dict[str, object]]:
    table = next(table for table in report.tables if table.title == title)
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def mean(cell: object) -> float:
    assert isinstance(cell, Estimate)
    return cell.mean


def test_run_on_a_still_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: NDArray[np.float32]) -> NDArray[np.float32]:
        raise RuntimeError("out of order")

    monkeypatch.setitem(registry._registered, "broken-x2", lambda: PixelSR(fail))
    folder = write_oxford(tmp_path / "data")
    programs = ["dog", "broken-x2", "dog#largest"]
    session = Session(Store(tmp_path / "cache"))
    report = run(folder, programs, session, budgets=[100])
    first = rows(report, "The 100 strongest keypoints")
    assert list(first) == ["dog", "broken-x2"]
    assert first["dog"]["keypoints"] == 100
    assert mean(first["dog"]["repeatability, 40 % overlap error"]) == 1.0
    assert mean(first["dog"]["homography AUC@1"]) > 0.99
    assert "out of order" in str(first["broken-x2"]["keypoints"])
    assert list(rows(report, "The 100 largest keypoints")) == ["dog#largest"]
    whole = rows(report, "All keypoints")["dog"]
    assert whole["keypoints"] == len(siftcore.extract(scene()))
    accuracy = rows(report, "All keypoints: mean matching accuracy")["dog"]
    assert mean(accuracy["MMA@1"]) == mean(accuracy["MMA@10"]) == 1.0
    assert "5 pairs" in report.notes[0]

    again = Session(Store(tmp_path / "cache"))
    # As text, in which NaN is equal to NaN; an interval of one scene is NaN.
    repeated = run(folder, ["dog", "dog#largest"], again, budgets=[100])
    assert repr(repeated.tables[0].rows[0]) == repr(report.tables[0].rows[0])
    assert again.store.computed == 0


def test_a_run_in_which_all_fail_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: NDArray[np.float32]) -> NDArray[np.float32]:
        raise RuntimeError("out of order")

    monkeypatch.setitem(registry._registered, "broken-x2", lambda: PixelSR(fail))
    with pytest.raises(ProviderError, match="out of order"):
        run(write_oxford(tmp_path), ["broken-x2"], Session(), budgets=[100])


def write_sequence(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    for k in range(1, 7):
        Image.fromarray(scene()[: 40 + k]).save(place / f"{k}.ppm")
        if k > 1:
            np.savetxt(place / f"H_1_{k}", np.diag([k, k, 1.0]))
    return place


def test_hpatches_layout(tmp_path: Path) -> None:
    write_sequence(tmp_path, "v_wall")
    place = write_sequence(tmp_path, "i_dawn")
    write_sequence(tmp_path, "other")
    (place / "3.ppm").write_bytes(b"P6 nothing")
    (place / "H_1_4").write_text("1 0 0")
    session = Session()
    pairs = list(hpatches.read_pairs(tmp_path, session))
    assert [(p.group, p.name) for p in pairs] == [
        *(("i_dawn", f"1-{k}") for k in (2, 5, 6)),
        *(("v_wall", f"1-{k}") for k in range(2, 7)),
    ]
    assert pairs[1].b.shape == (45, 192)
    assert pairs[1].a.shape == (41, 192)
    assert pairs[1].homography is not None
    np.testing.assert_array_equal(pairs[1].homography, np.diag([5.0, 5.0, 1.0]))
    assert set(session.skipped) == {"i_dawn/3.ppm", "i_dawn/H_1_4"}
    assert len(list(hpatches.read_pairs(tmp_path, Session(), scenes=1))) == 3


def test_run_finds_hpatches(tmp_path: Path) -> None:
    place = write_sequence(tmp_path, "v_wall")
    for k in range(2, 7):
        np.savetxt(place / f"H_1_{k}", SAME)
    report = run(tmp_path, ["dog"], Session(), budgets=[50])
    assert mean(rows(report, "All keypoints")["dog"]["matching score"]) > 0.7


def test_folders_without_pairs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="H_1_2"):
        next(hpatches.read_pairs(tmp_path, Session()))
    with pytest.raises(InputError, match="H1to2p"):
        run(tmp_path, ["dog"], Session())
    place = tmp_path / "i_void"
    place.mkdir()
    (place / "H_1_2").write_text("nothing")
    with pytest.raises(InputError, match="no pair could be used"):
        next(hpatches.read_pairs(tmp_path, Session()))
