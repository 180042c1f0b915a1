"""Kernels where octaves, ranges of rows and turns end, against the naive mirror."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from siftcore.kernels.blur import gaussian_blur
from siftcore.kernels.extrema import find_extrema
from siftcore.kernels.orientation import find_orientations
from siftcore.kernels.refine import Extrema, refine_extrema
from siftcore.params import ScaleSpaceParams
from siftcore.scalespace.geometry import PAPER_SIGMAS, ladder_sigmas
from tests.keypoints import angle_difference
from tests.reference import naive

Floats = NDArray[np.float64]
LADDER = ladder_sigmas(ScaleSpaceParams())


def noise(n_levels: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Levels whose differences are noise: extrema everywhere, along the borders too."""
    rng = np.random.default_rng(21)
    dogs = [gaussian_blur(rng.random(shape, np.float32), 0.8) - 0.5 for _ in range(n_levels)]
    return np.cumsum(dogs, axis=0, dtype=np.float32)


def refined(
    gaussians: NDArray[np.float32], candidates: NDArray[np.int32], sigmas: Floats, delta: float
) -> Extrema:
    none = np.zeros(len(gaussians) - 1)
    return refine_extrema(
        gaussians, candidates, sigmas, none, delta=delta, edge_ratio=50.0, max_fits=5
    )


@pytest.fixture(scope="module")
def levels() -> NDArray[np.float32]:
    return noise(len(LADDER), (150, 200))


@pytest.fixture(scope="module")
def candidates(levels: NDArray[np.float32]) -> NDArray[np.int32]:
    return find_extrema(levels, np.zeros(len(levels) - 1, np.float32))


@pytest.mark.parametrize("shape", [(70, 90), (70, 9)])
def test_extrema_of_some_rows_are_those_of_all_in_order(shape: tuple[int, int]) -> None:
    gaussians = np.random.default_rng(22).random((13, *shape), np.float32)
    none = np.zeros(12, np.float32)
    everything = find_extrema(gaussians, none)
    level, row, column = everything.T
    assert (np.lexsort((column, level, row)) == np.arange(len(row))).all()
    assert {1, 68} <= set(row.tolist())
    assert {1, shape[1] - 2} <= set(column.tolist())
    for start, stop in ((-5, 7), (0, 2), (13, 14), (31, 66), (60, 99), (69, 70), (20, 20)):
        expected = everything[(row >= start) & (row < stop)]
        np.testing.assert_array_equal(find_extrema(gaussians, none, rows=(start, stop)), expected)


def test_the_smallest_octave_has_room_for_one_extremum() -> None:
    for height, width in ((3, 3), (3, 20), (20, 3)):
        gaussians = np.zeros((4, height, width), np.float32)
        gaussians[2:, height // 2, width // 2] = 1.0
        found = find_extrema(gaussians, np.full(3, 0.5, np.float32))
        assert found.tolist() == [[1, height // 2, width // 2]]
        # A value that equals the threshold is not above it, on either side of 0.
        for sign in (1.0, -1.0):
            equal = find_extrema((sign * gaussians).astype(np.float32), np.ones(3, np.float32))
            assert len(equal) == 0


def test_discs_of_radius_sigma_lie_inside(
    levels: NDArray[np.float32], candidates: NDArray[np.int32]
) -> None:
    found = refined(levels, candidates, 0.5 * LADDER, 0.5)
    height, width = levels.shape[1:]
    radius = found.sigma / 0.5
    rooms = (found.x, width - 1 - found.x, found.y, height - 1 - found.y)
    for room in rooms:
        assert (room >= radius).all()
        # As near to every border as can be: nothing is left out that lies inside.
        assert (room < radius + 0.5).any()


@pytest.mark.parametrize("sigmas", [LADDER, np.hypot(PAPER_SIGMAS, 0.5)], ids=["lowe", "paper"])
def test_sigma_lies_between_those_of_the_levels_around(sigmas: Floats) -> None:
    gaussians = noise(len(sigmas), (90, 120))
    candidates = find_extrema(gaussians, np.zeros(len(sigmas) - 1, np.float32))
    found = refined(gaussians, candidates, sigmas, 1.0)
    off = found.level - found.sample[:, 0]
    assert len(off) > 50
    assert (off < -0.2).any()
    assert (off > 0.2).any()
    expected = np.exp(np.interp(found.level, np.arange(len(sigmas)), np.log(sigmas)))
    np.testing.assert_allclose(found.sigma, expected, rtol=1e-12)


def test_of_candidates_that_end_on_one_sample_the_first_is_kept(
    levels: NDArray[np.float32], candidates: NDArray[np.int32]
) -> None:
    # Beside every candidate, its neighbour, which moves onto it.
    beside = np.concatenate([candidates, candidates + np.array([0, 0, 1], np.int32)])
    beside = beside[np.random.default_rng(23).permutation(len(beside))]
    beside = beside[beside[:, 2] < levels.shape[2] - 1][:400]
    singles = [refined(levels, row[None], LADDER, 1.0).sample for row in beside]
    one_by_one = [tuple(sample.tolist()) for single in singles for sample in single]
    together = refined(levels, beside, LADDER, 1.0).sample
    assert len(together) < len(one_by_one)
    assert list(map(tuple, together.tolist())) == list(dict.fromkeys(one_by_one))


def edge_padded_gradients(level: NDArray[np.float32]) -> tuple[Floats, Floats]:
    padded = np.pad(level.astype(np.float64), 1, mode="edge")
    return padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]


@pytest.fixture(scope="module")
def turned() -> tuple[list[Floats], list[Floats]]:
    """Angles found and expected, of keypoints all over a level and on its borders."""
    level = gaussian_blur(np.random.default_rng(24).random((60, 80), np.float32), 2.0)
    rng = np.random.default_rng(24)
    n, sigma = 1500, 2.1
    x, y = rng.uniform(0, 79, n), rng.uniform(0, 59, n)
    # Every third on a border.
    x[::6], x[1::6], y[2::6], y[3::6] = 0.0, 79.0, 0.0, 59.0
    angles, counts = find_orientations(
        level[None], np.zeros(n, np.int32), x, y, np.full(n, sigma),
        window=1.5, peak_ratio=0.3, n_bins=36,
    )  # fmt: skip
    slopes = edge_padded_gradients(level)
    expected = [
        np.array(
            naive.peaks(naive.smooth(naive.orientation_histogram(*slopes, *place, sigma)), 0.3)
        )
        for place in zip(x, y, strict=True)
    ]
    found = [row[:count].astype(float) for row, count in zip(angles, counts, strict=True)]
    return found, expected


def share_with_partner(wanted: list[Floats], got: list[Floats], within: float) -> float:
    """Of the angles at most `within` from 0, those that have an equal one."""
    n = n_found = 0
    for row, others in zip(wanted, got, strict=True):
        for angle in row[np.abs(angle_difference(row, 0.0)) <= within]:
            n += 1
            n_found += bool(len(others)) and np.abs(angle_difference(others, angle)).min() < 1e-3
    assert n > 50
    return n_found / n


# Around a full turn, where the first bin is the last one's neighbour, and everywhere.
@pytest.mark.parametrize("within_deg", [5, 12, 180])
def test_orientations_at_borders_and_around_a_full_turn(
    turned: tuple[list[Floats], list[Floats]], within_deg: float
) -> None:
    found, expected = turned
    # Gradients of float32 may vote into the next bin, or lift a peak over the bar.
    assert share_with_partner(expected, found, math.radians(within_deg)) > 0.97
    assert share_with_partner(found, expected, math.radians(within_deg)) > 0.97


def test_a_candidate_moves_once_less_than_it_may_be_fitted(
    levels: NDArray[np.float32], candidates: NDArray[np.int32]
) -> None:
    inner = candidates[candidates[:, 2] < levels.shape[2] - 9][::4]
    none = np.zeros(len(LADDER) - 1)
    for away in (1, 2):
        beside = inner + np.array([0, 0, away], np.int32)
        moved = []
        for max_fits in (1, 2, 3):
            found = refine_extrema(
                levels, beside, LADDER, none, delta=1.0, edge_ratio=50.0, max_fits=max_fits
            )
            steps = np.abs(found.sample[:, None] - beside).max(axis=2).min(axis=1)
            moved.append(int(steps.max()))
        assert moved == [0, 1, 2]
