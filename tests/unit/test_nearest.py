"""The two nearest of each row, against all distances; sizes around blocks, ranges and waves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from siftcore.kernels._products import COLUMNS, LANES, ROWS
from siftcore.kernels.nearest import CHUNK, WAVE, nearest_two

Array = NDArray[np.float32]


def check(a: Array, b: Array) -> None:
    squared = ((a[:, None].astype(np.float64) - b[None]) ** 2).sum(axis=2)
    order = np.argsort(squared, axis=1, kind="stable")[:, :2]
    found = nearest_two(a, b)
    np.testing.assert_array_equal(found.indices[:, : order.shape[1]], order)
    exact = np.sqrt(np.take_along_axis(squared, order, axis=1))
    np.testing.assert_allclose(found.distance[:, : order.shape[1]], exact, rtol=1e-12)
    np.testing.assert_array_equal(found.back, squared.argmin(axis=0))


@pytest.mark.parametrize("n", [1, ROWS - 1, ROWS, ROWS + 1, 50])
@pytest.mark.parametrize("m", [1, 2, LANES, COLUMNS - 1, COLUMNS, COLUMNS + 1, 3 * COLUMNS + 5])
@pytest.mark.parametrize("length", [1, 36, 128])
def test_sizes_around_a_block(n: int, m: int, length: int) -> None:
    rng = np.random.default_rng(n * m)
    check(rng.random((n, length), np.float32), rng.random((m, length), np.float32))


def test_several_ranges_and_waves() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((CHUNK + 7, 8), np.float32), rng.random((WAVE + 9, 8), np.float32)
    check(a, b)
    check(b, a)


def test_of_equal_rows_the_lowest_is_the_nearest() -> None:
    rng = np.random.default_rng(2)
    b = rng.random((WAVE + 300, 16), np.float32)
    same = rng.choice(len(b), 40, replace=False)
    b[same] = b[same[0]]
    a = np.concatenate([b[same[:1]], rng.random((3, 16), np.float32)])
    found = nearest_two(a, b)
    assert list(found.indices[0]) == sorted(same)[:2]
    assert list(found.distance[0]) == [0.0, 0.0]
    assert (nearest_two(b, a).back[0]) == min(same)


def test_without_a_second_there_is_none() -> None:
    found = nearest_two(np.ones((4, 3), np.float32), np.zeros((1, 3), np.float32))
    assert (found.indices == [0, -1]).all()
    assert np.isinf(found.distance[:, 1]).all()
