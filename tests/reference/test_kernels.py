"""Each kernel against its naive twin, stage by stage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from siftcore.kernels.blur import gaussian_blur, gaussian_taps
from siftcore.kernels.descriptor import compute_descriptors
from siftcore.kernels.doubling import double_linearly
from siftcore.kernels.extrema import find_extrema
from siftcore.kernels.orientation import find_orientations
from siftcore.kernels.refine import Extrema, refine_extrema
from tests.keypoints import angle_difference
from tests.reference import naive
from tests.reference import naive_detection as stages

SIDES = st.integers(1, 40)
SEEDS = st.integers(0, 2**32 - 1)
# The steps of Lowe's ladder, its first blur, and some that no kernel was generated for.
BLURS = (1.2263, 1.249, 1.545, 1.9466, 2.4525, 3.09, 4.3, 9.0)
quick = settings(max_examples=25, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def octaves(crop: NDArray[np.uint8]) -> list[stages.Octave]:
    return list(stages.scale_space(crop / 255))[:2]


@quick
@given(height=SIDES, width=SIDES, sigma=st.sampled_from(BLURS), seed=SEEDS)
def test_blur(height: int, width: int, sigma: float, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width), np.float32)
    blurred = gaussian_blur(image, sigma)
    np.testing.assert_allclose(blurred, stages.blur(image.astype(np.float64), sigma), atol=2e-6)


@quick
@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_doubling(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width), np.float32)
    expected = stages.double(image.astype(np.float64))
    np.testing.assert_allclose(double_linearly(image), expected, atol=2e-7)


@quick
@given(height=SIDES, width=SIDES, levels=st.integers(4, 8), grey=st.integers(2, 60), seed=SEEDS)
def test_extrema(height: int, width: int, levels: int, grey: int, seed: int) -> None:
    # Few grey values make many ties, and a tie with any neighbour is no extremum.
    noise = np.random.default_rng(seed).integers(0, grey, (levels, height, width))
    gaussians = noise.astype(np.float32)
    thresholds = np.full(levels - 1, 0.5, np.float32)
    got = find_extrema(gaussians, thresholds)
    dogs = stages.differences(gaussians.astype(np.float64))
    expected = [tuple(e) for e in stages.extrema(dogs) if abs(dogs[tuple(e)]) > 0.5]
    assert sorted(map(tuple, got.tolist())) == sorted(tuple(map(int, e)) for e in expected)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_extrema_lie_on_their_side_of_0(sign: float) -> None:
    def found(around: float, peak: float) -> list[list[int]]:
        dogs = np.full((3, 5, 5), sign * around)
        dogs[1, 2, 2] = sign * peak
        gaussians = np.concatenate([np.zeros((1, 5, 5)), dogs.cumsum(axis=0)]).astype(np.float32)
        rows: list[list[int]] = find_extrema(gaussians, np.full(3, 0.125, np.float32)).tolist()
        return rows

    # All are above their 26 neighbours, or, with the other sign, below them.
    assert found(0.25, 0.5) == [[1, 2, 2]]
    assert found(-0.25, 0.5) == [[1, 2, 2]]
    assert found(-0.5, -0.25) == []


@quick
@given(height=SIDES, width=SIDES, levels=st.integers(4, 6), seed=SEEDS)
def test_extrema_of_weighted_levels(height: int, width: int, levels: int, seed: int) -> None:
    # Grey values and weights whose products float32 holds, so that ties stay ties.
    rng = np.random.default_rng(seed)
    gaussians = rng.integers(0, 40, (levels, height, width)).astype(np.float32)
    weights = rng.choice(np.array([0.5, 1.0, 1.5, 4.0], np.float32), levels - 1)
    dogs = weights[:, None, None] * stages.differences(gaussians.astype(np.float64))
    got = find_extrema(gaussians, np.full(levels - 1, 6.5, np.float32), weights)
    expected = [tuple(e) for e in stages.extrema(dogs).tolist() if abs(dogs[tuple(e)]) > 6.5]
    assert sorted(map(tuple, got.tolist())) == sorted(expected)


def test_extrema_respect_each_levels_threshold(octaves: list[stages.Octave]) -> None:
    gaussians = octaves[0].gaussians.astype(np.float32)
    thresholds = np.array([9, 0.02, 0.005, 0.01, 9], np.float32)
    got = find_extrema(gaussians, thresholds)
    value = np.abs(stages.differences(gaussians)[tuple(got.T)])
    assert (value > thresholds[got[:, 0]]).all()
    assert set(got[:, 0]) == {1, 2, 3}
    everything = find_extrema(gaussians, np.zeros(5, np.float32))
    value = np.abs(stages.differences(gaussians)[tuple(everything.T)])
    assert (value > thresholds[everything[:, 0]]).sum() == len(got)


def is_saddle(dogs: NDArray[np.float64], point: stages.Refined) -> bool:
    d = dogs[point.level, point.row - 1 : point.row + 2, point.column - 1 : point.column + 2]
    mixed = (d[2, 2] - d[2, 0] - d[0, 2] + d[0, 0]) / 4
    rows, columns = d[2, 1] + d[0, 1] - 2 * d[1, 1], d[1, 2] + d[1, 0] - 2 * d[1, 1]
    return bool(rows * columns - mixed**2 <= 0)


def test_refinement(octaves: list[stages.Octave]) -> None:
    threshold = stages.contrast_threshold()
    n_moved = 0
    for octave in octaves:
        gaussians = octave.gaussians.astype(np.float32)
        candidates = find_extrema(gaussians, np.full(5, 0.8 * threshold, np.float32))
        refined = refine_extrema(
            gaussians,
            candidates,
            octave.sigmas,
            np.full(5, threshold),
            delta=octave.delta,
            edge_ratio=10.0,
            max_fits=5,
        )
        dogs = stages.differences(gaussians.astype(np.float64))
        expected: dict[tuple[int, int, int], stages.Refined] = {}
        for extremum in candidates:
            point = stages.refine(dogs, extremum)
            if point is None or abs(point.value) <= threshold or stages.is_edge(dogs, point):
                continue
            height, width = (side * octave.delta for side in gaussians.shape[1:])
            # Near the border and on saddles, the engine is stricter than the program.
            inside = stages.is_inside(*stages.locate(octave, point), height - 1, width - 1)
            if inside and not is_saddle(dogs, point):
                sample = (point.level, point.row, point.column)
                n_moved += sample != tuple(extremum)
                expected[sample] = point
        found = {tuple(sample): i for i, sample in enumerate(refined.sample.tolist())}
        assert len(expected) > 20
        assert len(found) == len(refined.sample)
        assert set(expected) <= set(found)
        for sample, point in expected.items():
            i = found[sample]
            place = (refined.level[i], refined.y[i], refined.x[i])
            np.testing.assert_allclose(place, np.add(sample, point.offset), atol=1e-3)
            assert refined.value[i] == pytest.approx(point.value, abs=1e-6)
            assert refined.sigma[i] == pytest.approx(stages.locate(octave, point)[2], rel=1e-3)
    assert n_moved > 5


def test_refinement_of_weighted_levels(octaves: list[stages.Octave]) -> None:
    octave = octaves[0]
    gaussians, threshold = octave.gaussians.astype(np.float32), 0.01
    weights = np.array([1.2, 1.0, 0.9, 1.1, 1.3])
    # The same differences, all of weight 1.
    steps = weights[:, None, None] * np.diff(gaussians.astype(np.float64), axis=0)
    summed = np.concatenate([gaussians[:1], gaussians[0] + steps.cumsum(axis=0)])

    def refined(stack: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Extrema:
        return refine_extrema(
            stack.astype(np.float32),
            find_extrema(summed.astype(np.float32), np.full(5, threshold, np.float32)),
            octave.sigmas,
            np.full(5, threshold),
            delta=octave.delta,
            edge_ratio=10.0,
            max_fits=5,
            weights=weights,
        )

    got, expected = refined(octave.gaussians, weights), refined(summed, None)
    assert len(expected.value) > 20
    assert len(set(expected.sample[:, 0].tolist())) > 1
    np.testing.assert_array_equal(got.sample, expected.sample)
    for a, b in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def keypoints_in(level: NDArray[np.float64], sigma: float, n: int) -> NDArray[np.float64]:
    """Random (x, y) whose windows see no border sample, at any angle."""
    reach = 7.5 * math.sqrt(2) * sigma + 2
    height, width = level.shape
    rng = np.random.default_rng(11)
    return rng.uniform((reach, reach), (width - reach, height - reach), (n, 2))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("sigma", [1.6, 2.3, 3.7])
def test_orientations(octaves: list[stages.Octave], sigma: float, shared: bool) -> None:
    level = octaves[0].gaussians[2]
    points = keypoints_in(level, sigma, 300)
    angles, counts = find_orientations(
        octaves[0].gaussians.astype(np.float32),
        np.full(300, 2, np.int32),
        *np.ascontiguousarray(points.T),
        np.full(300, sigma),
        window=1.5,
        peak_ratio=0.5,
        n_bins=36,
        shared_votes=shared,
    )
    dx, dy = naive.gradients(level)
    n_same = n_several = 0
    for (x, y), found, count in zip(points, angles, counts, strict=True):
        histogram = naive.smooth(naive.orientation_histogram(dx, dy, x, y, sigma, shared=shared))
        expected = naive.peaks(histogram, 0.5)
        if count == len(expected):
            turns = angle_difference(np.sort(found[:count]), np.sort(expected))
            n_same += bool((np.abs(turns) < 1e-3).all())
        if count > 1:
            n_several += 1
            strength = [histogram[round(angle * 18 / math.pi) % 36] for angle in found[:count]]
            assert strength == sorted(strength, reverse=True)
    assert n_several > 20
    # Float32 gradients may vote into the next bin, or lift a peak over the bar.
    assert n_same >= 290


@pytest.mark.parametrize("sigma", [1.6, 2.3, 3.7])
def test_descriptors(octaves: list[stages.Octave], sigma: float) -> None:
    level = octaves[0].gaussians[2]
    points = keypoints_in(level, sigma, 60)
    # Every direction, and those where the window's edges run along rows and columns.
    angles = np.linspace(0, 2 * math.pi, 60, endpoint=False).astype(np.float32)
    got = compute_descriptors(
        octaves[0].gaussians.astype(np.float32),
        np.full(60, 2, np.int32),
        *np.ascontiguousarray(points.T),
        np.full(60, sigma),
        angles,
        cell=3.0,
        clamp=0.2,
    )
    dx, dy = naive.gradients(level)
    for (x, y), angle, descriptor in zip(points, angles, got, strict=True):
        histogram = naive.descriptor_histogram(dx, dy, x, y, sigma, float(angle))
        np.testing.assert_allclose(descriptor, naive.normalise(histogram), atol=2e-4)


# Around the lengths of vectors and tiles, where the last vectors of rows overlap.
@pytest.mark.parametrize("width", [1, 2, 11, 15, 16, 17, 33, 511, 512, 513, 527, 529, 1041])
@pytest.mark.parametrize("height", [1, 7, 65])
@pytest.mark.parametrize("sigma", [1.23, 3.09, 4.6])
def test_blur_of_any_size_stays_inside(width: int, height: int, sigma: float) -> None:
    image = np.random.default_rng(width).random((height, width), np.float32)
    taps = gaussian_taps(sigma).astype(np.float64)
    taps = np.concatenate([taps[:0:-1], taps])
    expected = image.astype(np.float64)
    for axis in (0, 1):
        expected = correlate1d(expected, taps, axis, mode="reflect")
    room = np.full(image.size + 200, 7.0, np.float32)
    gaussian_blur(image, sigma, out=room[100:-100].reshape(image.shape))
    np.testing.assert_allclose(room[100:-100].reshape(image.shape), expected, atol=2e-6)
    assert (room[:100] == 7.0).all()
    assert (room[-100:] == 7.0).all()
