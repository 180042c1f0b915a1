"""Approximate matching: small sets exactly, large ones nearly, and what happens without FAISS."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore.approximate import nearest_two_approximately
from siftcore.errors import MissingDependencyError
from siftcore.kernels.nearest import nearest_two


def unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def features(descriptors: NDArray[np.float32]) -> siftcore.Features:
    n = len(descriptors)
    zeros = np.zeros(n, np.float32)
    return siftcore.Features(
        np.zeros((n, 2)), zeros, zeros, zeros, zeros, zeros, descriptors, (9, 9), "mine"
    )


@pytest.fixture(scope="module")
def pair() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(4)
    a = unit(rng.random((12_000, 128)) ** 4)
    noisy = unit(np.abs(a + rng.normal(0.0, 0.02, a.shape)))
    return a, noisy[rng.permutation(len(a))]


def test_small_sets_are_searched_exactly(pair: Any) -> None:
    a, b = pair[0][:700], pair[1][:900]
    exact, found = nearest_two(a, b), nearest_two_approximately(a, b)
    for name in ("indices", "distance", "back"):
        np.testing.assert_array_equal(getattr(found, name), getattr(exact, name))


def test_large_sets_give_nearly_all_matches_and_exact_distances(pair: Any) -> None:
    a, b = (features(rows) for rows in pair)
    exact = siftcore.match_features(a, b)
    found = siftcore.match_features(a, b, approximate=True)
    assert len(exact) > 11_000
    pairs = {tuple(row) for row in exact.indices}
    right = [tuple(row) in pairs for row in found.indices]
    assert np.mean(right) > 0.99
    assert len(found) > 0.95 * len(exact)
    chosen = pair[0][found.indices[:, 0]] - pair[1][found.indices[:, 1]]
    np.testing.assert_allclose(found.distance, np.linalg.norm(chosen, axis=1), rtol=1e-5)


def test_the_same_sets_give_the_same_result(pair: Any) -> None:
    first, again = (nearest_two_approximately(*pair) for _ in range(2))
    np.testing.assert_array_equal(first.indices, again.indices)


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_the_candidates(n: int, pair: Any) -> None:
    found = nearest_two_approximately(pair[0][:3], pair[1][:n])
    exact = nearest_two(pair[0][:3], pair[1][:n])
    np.testing.assert_array_equal(found.indices, exact.indices)


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, pair: Any) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    small = features(pair[0][:10])
    with pytest.raises(MissingDependencyError, match=r"siftcore\[faiss\]"):
        siftcore.match_features(small, small, approximate=True)


def test_approximate_is_a_flag(pair: Any) -> None:
    small = features(pair[0][:10])
    with pytest.raises(siftcore.SiftError, match="approximate"):
        siftcore.match_features(small, small, approximate="yes")  # type: ignore[arg-type]
