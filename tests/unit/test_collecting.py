"""Features gathered part by part are those that one sort of all would give."""

from __future__ import annotations

import numpy as np
import pytest

import siftcore
from siftcore.collecting import FeatureCollector
from siftcore.kernels.reordering import reorder_rows
from siftcore.selection import order


def some_features(n: int, seed: int) -> siftcore.Features:
    rng = np.random.default_rng(seed)
    return siftcore.Features(
        xy=rng.random((n, 2)),
        sigma=rng.random(n),
        angle=rng.random(n),
        # Few values, so that ties are decided by the rest.
        response=rng.integers(0, 4, n),
        octave=rng.integers(-1, 5, n),
        level=rng.random(n),
        descriptors=rng.random((n, 128)),
        image_size=(7, 5),
        provider="mine",
    )


@pytest.mark.parametrize("sizes", [(), (0,), (5,), (0, 40, 0, 3, 500)])
def test_parts_come_out_in_order(sizes: tuple[int, ...]) -> None:
    parts = [some_features(n, seed) for seed, n in enumerate(sizes)]
    collector = FeatureCollector((7, 5), "mine")
    for part in parts:
        collector.add(part)
    found = collector.ordered()
    whole = siftcore.Features.concatenate([siftcore.Features.empty((7, 5), "mine"), *parts])
    x, y = whole.xy.T
    expected = whole[np.lexsort((whole.angle, whole.sigma, x, y, -whole.response))]
    for name in ("xy", "sigma", "angle", "response", "octave", "level", "descriptors"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert (found.image_size, found.provider) == ((7, 5), "mine")


def test_the_nth_response_counts_all_parts() -> None:
    collector = FeatureCollector((7, 5), "mine")
    assert collector.nth_response(1) == 0.0
    for seed in range(3):
        collector.add(some_features(10, seed))
    responses = np.concatenate([some_features(10, seed).response for seed in range(3)])
    for n in (1, 7, 30):
        assert collector.nth_response(n) == np.sort(responses)[-n]
    assert collector.nth_response(31) == 0.0


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_rows_are_reordered_in_place(n: int) -> None:
    rng = np.random.default_rng(n)
    rows = rng.random((n, 6), np.float32)
    places = rng.permutation(n)
    expected = rows[places]
    reorder_rows(rows, places)
    np.testing.assert_array_equal(rows, expected)


def test_ties_go_by_y_x_sigma_angle_and_octave() -> None:
    rng = np.random.default_rng(9)
    # Few values of each, so that every column decides somewhere.
    columns = rng.integers(0, 2, (6, 300))
    response, y, x, sigma, angle, octave = columns
    places = order(
        np.stack([x, y], axis=1).astype(np.float32),
        sigma.astype(np.float32),
        angle.astype(np.float32),
        response.astype(np.float32),
        octave.astype(np.int16),
    )
    rows = list(zip(-response, y, x, sigma, angle, octave, strict=True))
    assert [rows[place] for place in places] == sorted(rows)
