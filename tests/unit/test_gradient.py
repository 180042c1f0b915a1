"""The inner loops of orientations and descriptors: stated errors, borders, batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from siftcore.kernels._gradient import (
    BATCH_SIZE,
    CAPACITY,
    DX,
    DY,
    MAX_ANGLE_ERROR,
    MAX_FALL,
    MAX_FALL_ERROR,
    U,
    V,
    direction,
    falling,
    gather_run,
)
from siftcore.kernels._votes import BIN_SHARES, N_BINS, SLOT, add_votes
from siftcore.kernels.descriptor import REACH, WINDOW, compute_descriptors
from siftcore.kernels.orientation import WINDOW_REACH

Array = NDArray[np.float64]


@njit
def _directions(dx, dy):  # type: ignore[no-untyped-def]
    out = np.empty_like(dx)
    for i in range(len(dx)):
        out[i] = direction(dx[i], dy[i])
    return out


@njit
def _falls(t):  # type: ignore[no-untyped-def]
    out = np.empty_like(t)
    for i in range(len(t)):
        out[i] = falling(t[i])
    return out


@njit
def _voted(histogram, slot, nearest, part, votes):  # type: ignore[no-untyped-def]
    add_votes(
        histogram, np.uint64(slot), BIN_SHARES, np.uint64(nearest * 2 * N_BINS), part,
        votes[0], votes[1], votes[2], votes[3],
    )  # fmt: skip


def test_directions_are_within_their_stated_error() -> None:
    turns = np.linspace(0.0, 2.0 * np.pi, 100_001)
    size = np.geomspace(1e-6, 1.0, len(turns))
    dx, dy = ((size * f(turns)).astype(np.float32) for f in (np.cos, np.sin))
    exact = np.arctan2(dy.astype(float), dx.astype(float))
    off = np.mod(_directions(dx, dy) - exact + np.pi, 2.0 * np.pi) - np.pi
    assert np.abs(off).max() < MAX_ANGLE_ERROR


def test_no_gradient_has_a_direction_without_nan() -> None:
    assert _directions(np.zeros(1, np.float32), np.zeros(1, np.float32))[0] == 0.0


def test_the_fall_is_within_its_stated_error() -> None:
    t = np.linspace(0.0, MAX_FALL, 100_001).astype(np.float32)
    exact = np.exp(-t.astype(float))
    assert np.abs(_falls(t) / exact - 1.0).max() < MAX_FALL_ERROR


def test_the_fall_stays_down_beyond_its_range() -> None:
    beyond = _falls(np.array([MAX_FALL, 3.0, 1e6], np.float32))
    assert (beyond == beyond[0]).all()


@pytest.mark.parametrize("x_start", [0, 1, 5, 24, 29])
@pytest.mark.parametrize("row", [0, 3, 8])
def test_a_run_holds_central_differences_of_the_edge_padded_level(x_start: int, row: int) -> None:
    rng = np.random.default_rng(3)
    levels = rng.random((2, 9, 30), np.float32)
    padded = np.pad(levels[1], 1, mode="edge")
    batch = np.full(BATCH_SIZE, np.nan, np.float32)
    for n in range(1, 31 - x_start):
        half, none = np.float32(0.5), np.float32(0.0)
        gather_run(
            levels.reshape(-1), (1, 9, 30), row, x_start, n, 7, none, half, half, none, batch
        )
        columns = np.arange(x_start, x_start + n) + 1
        dx = padded[row + 1, columns + 1] - padded[row + 1, columns - 1]
        dy = padded[row + 2, columns] - padded[row, columns]
        np.testing.assert_array_equal(batch[DX + 7 : DX + 7 + n], dx)
        np.testing.assert_array_equal(batch[DY + 7 : DY + 7 + n], dy)
        np.testing.assert_array_equal(batch[U + 7 : U + 7 + n], 0.5 * np.arange(n))
        assert (batch[V + 7 : V + 7 + n] == 0.5).all()


@pytest.mark.parametrize("nearest", [0, 3, 7])
@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_votes_are_linear_in_bins(nearest: int, part: float) -> None:
    histogram = np.zeros(3 * SLOT, np.float32)
    votes = np.array([2.0, 3.0, 5.0, 7.0], np.float32)
    _voted(histogram, SLOT, nearest, np.float32(part), votes)
    bins = np.zeros(N_BINS)
    bins[nearest] += 1.0 - part
    bins[(nearest + 1) % N_BINS] += part
    np.testing.assert_allclose(histogram[SLOT : 2 * SLOT], np.outer(votes, bins).ravel(), atol=1e-6)
    assert not histogram[:SLOT].any()
    assert not histogram[2 * SLOT :].any()


def _plain_descriptor(level: Array, x: float, y: float, sigma: float, angle: float) -> Array:
    """The definition, sample by sample over the whole level."""
    padded = np.pad(level, 1, mode="edge")
    gradient_x = padded[1:-1, 2:] - padded[1:-1, :-2]
    gradient_y = padded[2:, 1:-1] - padded[:-2, 1:-1]
    rows, columns = np.mgrid[: level.shape[0], : level.shape[1]]
    cosine, sine = math.cos(angle) / (3 * sigma), math.sin(angle) / (3 * sigma)
    u = cosine * (columns - x) + sine * (rows - y)
    v = cosine * (rows - y) - sine * (columns - x)
    votes = np.hypot(gradient_x, gradient_y) * np.exp(-(u * u + v * v) / 8.0)
    turned = np.mod(angle - np.arctan2(gradient_y, gradient_x), 2 * np.pi) * 8 / (2 * np.pi)
    histogram = np.zeros((4, 4, 8))
    for row in range(4):
        for column in range(4):
            near = np.clip(1 - np.abs(v + 1.5 - row), 0, None)
            near = near * np.clip(1 - np.abs(u + 1.5 - column), 0, None)
            for b in range(8):
                away = np.abs(turned - b)
                share = np.clip(1 - np.minimum(away, 8 - away), 0, None)
                histogram[row, column, b] = (votes * near * share).sum()
    bins = histogram.ravel() / np.linalg.norm(histogram)
    bins = np.minimum(bins, 0.2)
    return np.asarray(bins / np.linalg.norm(bins))


@pytest.mark.parametrize(
    ("x", "y", "sigma", "angle"),
    [
        (1500.2, 20.6, 300.0, 0.0),
        (1500.2, 20.6, 300.0, 0.02),
        (12.0, 8.0, 2.0, 1.0),
        (0.4, 39.1, 3.0, 4.0),
        (2999.0, 0.0, 5.0, np.pi / 2),
    ],
)
def test_windows_of_several_batches_and_at_borders(
    x: float, y: float, sigma: float, angle: float
) -> None:
    level = np.random.default_rng(8).random((40, 3000), np.float32)
    assert level.shape[1] > CAPACITY
    given = (np.array([value]) for value in (x, y, sigma))
    found = compute_descriptors(
        level[None],
        np.zeros(1, np.int32),
        *given,
        np.array([angle], np.float32),
        cell=3.0,
        clamp=0.2,
    )[0]
    expected = _plain_descriptor(level.astype(float), x, y, sigma, np.float32(angle))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_fall_reaches_to_the_corners_of_both_windows() -> None:
    assert MAX_FALL >= 2 * REACH**2 * 0.5 / WINDOW**2
    # Of orientations an eighth of the exponent is taken.
    assert MAX_FALL >= 2 * WINDOW_REACH**2 * 0.5 / 8
