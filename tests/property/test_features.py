"""What every Features keeps: norms, order, budgets, masks, indexing, copies."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import siftcore
from siftcore import Features, SiftParams
from siftcore.selection import spread_out

Image = NDArray[np.uint8]
ARRAYS = ("xy", "sigma", "angle", "response", "octave", "level", "descriptors")


@pytest.fixture(scope="module")
def features(camera: Image) -> Features:
    return siftcore.extract(camera[:300, :360])


def assert_same(a: Features, b: Features) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert (a.image_size, a.provider) == (b.image_size, b.provider)


def assert_valid(f: Features) -> None:
    """Shapes, dtypes and ranges of DESIGN.md, for any number of keypoints."""
    n = len(f)
    assert f.xy.shape == (n, 2)
    assert f.descriptors.shape == (n, 128)
    for name in ARRAYS:
        array = getattr(f, name)
        assert len(array) == n
        assert array.dtype == (np.int16 if name == "octave" else np.float32)
        assert np.isfinite(array).all()
    width, height = f.image_size
    assert ((f.xy >= 0) & (f.xy <= (width - 0.5, height - 0.5))).all()
    assert (f.sigma > 0).all()
    assert ((f.angle >= 0) & (f.angle < np.float32(2 * np.pi))).all()
    assert (f.descriptors >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(f.descriptors, axis=1), 1, atol=1e-5)


def assert_ordered(f: Features) -> None:
    """By descending response, ties by (y, x, sigma, angle)."""
    rows = list(zip(-f.response, f.xy[:, 1], f.xy[:, 0], f.sigma, f.angle, strict=True))
    assert rows == sorted(rows)


def test_values_are_in_their_ranges(features: Features) -> None:
    assert len(features) > 200
    assert_valid(features)
    assert features.image_size == (360, 300)
    assert features.provider == "dog"
    assert features.octave.min() == -1


def test_no_bin_exceeds_the_clamp(camera: Image, features: Features) -> None:
    raw = siftcore.extract(camera[:300, :360], params=SiftParams(descriptor_clamp=1.0))
    assert raw.descriptors.max() > 0.25
    clamped = np.minimum(raw.descriptors.astype(np.float64), 0.2)
    clamped /= np.linalg.norm(clamped, axis=1, keepdims=True)
    np.testing.assert_allclose(features.descriptors, clamped, atol=1e-5)


def test_rootsift_is_the_root_of_the_share(camera: Image, features: Features) -> None:
    root = siftcore.extract(camera[:300, :360], params=SiftParams(descriptor="rootsift"))
    share = features.descriptors / features.descriptors.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(root.descriptors, np.sqrt(share), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(root.descriptors, axis=1), 1, atol=1e-5)


def test_strongest_first(features: Features) -> None:
    assert_ordered(features)


def test_ties_go_by_position(crop: Image) -> None:
    # Equal tiles give equal responses to the last bit, so the order rests on the positions.
    tiled = siftcore.extract(np.tile(crop[:64, :96], (3, 2)))
    _, counts = np.unique(tiled.response, return_counts=True)
    assert (counts > 1).sum() > 20
    assert_ordered(tiled)


def test_a_budget_that_ends_among_equal_responses_keeps_their_order(crop: Image) -> None:
    image = np.tile(crop[:64, :96], (3, 2))
    tiled = siftcore.extract(image)
    ends = np.flatnonzero(np.diff(tiled.response) == 0) + 1
    assert len(ends) > 20
    for n in (1, *ends[[0, 1, 2, 5, 11, -1]].tolist()):
        assert_same(siftcore.extract(image, max_keypoints=n), tiled[:n])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(n=st.integers(1, 1500))
def test_budget_keeps_exactly_the_strongest(camera: Image, features: Features, n: int) -> None:
    assert_same(siftcore.extract(camera[:300, :360], max_keypoints=n), features[:n])


def emptiness(f: Features) -> float:
    """Mean distance from anywhere in the image to the nearest keypoint, px."""
    width, height = f.image_size
    row, column = np.mgrid[0:height:7, 0:width:7]
    distance = np.hypot(column[..., None] - f.xy[:, 0], row[..., None] - f.xy[:, 1])
    return float(distance.min(axis=2).mean())


@pytest.mark.parametrize("n", [1, 20, 40, 80, 150, 100_000])
def test_spread_keeps_the_budget_and_covers_more(camera: Image, features: Features, n: int) -> None:
    image = camera[:300, :360]
    spread = siftcore.extract(image, max_keypoints=n, spread=True)
    assert len(spread) == min(n, len(features))
    assert_ordered(spread)
    rows = {tuple(row) for row in np.c_[features.xy, features.sigma, features.angle].tolist()}
    assert {tuple(row) for row in np.c_[spread.xy, spread.sigma, spread.angle].tolist()} <= rows
    if 1 < n < len(features):
        # No choice can be less empty than all keypoints together: count from there.
        least = emptiness(features)
        left = emptiness(spread) - least
        assert left < 0.6 * (emptiness(features[:n]) - least)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    n_keypoints=st.integers(0, 60),
    n=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
)
def test_spread_takes_every_cells_strongest_then_its_second(
    width: int, height: int, n_keypoints: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # Up to the outer edges of the outer pixels.
    xy = rng.uniform((-0.5, -0.5), (width - 0.5, height - 0.5), (n_keypoints, 2))
    features = Features(
        xy=xy, sigma=np.ones(len(xy)), angle=np.zeros(len(xy)), octave=np.zeros(len(xy)),
        response=-np.sort(-rng.random(len(xy))), level=np.ones(len(xy)),
        descriptors=np.zeros((len(xy), 128)), image_size=(width, height), provider="dog",
    )  # fmt: skip
    side = max(1.0, (width * height / n) ** 0.5)
    taken: dict[tuple[int, int], int] = {}
    rounds = []
    for i, (x, y) in enumerate(features.xy.astype(float)):
        cell = int(min(max(x, 0), width - 1) / side), int(min(max(y, 0), height - 1) / side)
        rounds.append((taken.get(cell, 0), i))
        taken[cell] = taken.get(cell, 0) + 1
    expected = sorted(i for _, i in sorted(rounds)[:n])
    assert spread_out(features, n).tolist() == expected


def test_mask_acts_before_the_budget(camera: Image, features: Features) -> None:
    # Every other pixel or so, at random: rounding a position to the wrong pixel shows.
    mask = np.random.default_rng(8).random((300, 360)) < 0.5
    mask[:40] = False
    column, row = np.floor(features.xy.T + 0.5).astype(int)
    allowed = features[mask[row, column]]
    assert 60 < len(allowed) < len(features)
    for masked in (mask, mask.astype(np.uint8) * 255):
        assert_same(siftcore.extract(camera[:300, :360], mask=masked), allowed)
    budgeted = siftcore.extract(camera[:300, :360], mask=mask, max_keypoints=50)
    assert_same(budgeted, allowed[:50])


def test_a_mask_is_read_at_the_pixel_whatever_the_providers_grid(crop: Image) -> None:
    mask = np.random.default_rng(8).random(crop.shape) < 0.5
    features = siftcore.extract(crop, "bicubic-x2")
    column, row = np.floor(features.xy.T + 0.5).astype(int)
    allowed = features[mask[row, column]]
    assert 50 < len(allowed) < len(features)
    # Any number but 0 allows.
    assert_same(siftcore.extract(crop, "bicubic-x2", mask=-1.0 * mask), allowed)


def test_empty_mask_gives_nothing(crop: Image) -> None:
    assert len(siftcore.extract(crop, mask=np.zeros(crop.shape, bool))) == 0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 48), np.uint8),
        np.full((48, 64), 255, np.uint8),
        np.full((40, 33), 0.3, np.float32),
        np.full((1, 1), 7, np.uint8),
        np.full((8, 8), 7, np.uint8),
        np.arange(100, dtype=np.uint8).reshape(1, 100),
        np.arange(100, dtype=np.uint8).reshape(100, 1),
        np.arange(25, dtype=np.uint8).reshape(5, 5) * 10,
        np.tile(np.arange(60, dtype=np.uint8), (50, 1)),
    ],
    ids=lambda image: f"{image.shape[1]}x{image.shape[0]}",
)
def test_nothing_to_find_is_an_ordinary_result(image: Image) -> None:
    nothing = siftcore.extract(image, max_keypoints=10, spread=True)
    assert len(nothing) == 0
    assert_valid(nothing)
    assert nothing.image_size == image.shape[::-1]
    assert len(siftcore.match_features(nothing, nothing)) == 0
    assert len(nothing.top(5)) == len(nothing[:3]) == 0
    assert siftcore.match(image, image).xy_a.shape == (0, 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_noise_of_any_size_is_taken(height: int, width: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    found = siftcore.extract(noise)
    assert_valid(found)
    assert_ordered(found)


def test_indexing(features: Features) -> None:
    index = np.array([5, 2, 2, 9])
    np.testing.assert_array_equal(features[index].xy, features.xy[index])
    np.testing.assert_array_equal(features[index].descriptors, features.descriptors[index])
    mask = features.sigma > 2
    np.testing.assert_array_equal(features[mask].sigma, features.sigma[mask])
    assert len(features[10:20:3]) == 4
    shuffled = features[np.random.default_rng(1).permutation(len(features))]
    np.testing.assert_array_equal(shuffled.top(7).response, features.response[:7])
    assert len(features.top(10**9)) == len(features)
    assert len(features.top(-1)) == 0
    alike = replace(features[:5], response=np.array([1, 2, 1, 2, 2], np.float32))
    np.testing.assert_array_equal(alike.top(4).xy, features.xy[[1, 3, 4, 0]])
    assert len(features[[]]) == 0
    with pytest.raises(siftcore.InputTypeError):
        features[3]


def test_copies_and_pickles(features: Features) -> None:
    assert_same(pickle.loads(pickle.dumps(features)), features)
    assert_same(copy.deepcopy(features), features)


def test_features_are_frozen(features: Features) -> None:
    with pytest.raises(AttributeError):
        features.provider = "other"  # type: ignore[misc]
