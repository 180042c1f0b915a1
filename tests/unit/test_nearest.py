"""The two nearest of each row, against all distances; sizes around blocks, ranges and waves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from siftcore.kernels import _nearest_bytes, _nearest_floats
from siftcore.kernels._blocks import BYTES, FLOATS
from siftcore.kernels._distances import Nearest
from siftcore.kernels._ranges import CHUNK
from siftcore.kernels._tiles import PANELS, WAVE_PANELS
from siftcore.kernels.nearest import nearest_two

Array = NDArray[np.float32]
WAVE = WAVE_PANELS * BYTES.columns
Search = Callable[[Array, Array], Nearest]


def by_bytes(a: Array, b: Array) -> Nearest:
    found = _nearest_bytes.nearest_two_by_bytes(a, b)
    assert found is not None, "the bytes should tell these apart"
    return found


searches = pytest.mark.parametrize(
    "search", [nearest_two, _nearest_floats.nearest_two_by_floats, by_bytes]
)


def check(search: Search, a: Array, b: Array) -> None:
    squared = np.array([((row.astype(np.float64) - b) ** 2).sum(axis=1) for row in a])
    order = np.argsort(squared, axis=1, kind="stable")[:, :2]
    found = search(a, b)
    np.testing.assert_array_equal(found.indices[:, : order.shape[1]], order)
    exact = np.sqrt(np.take_along_axis(squared, order, axis=1))
    np.testing.assert_allclose(found.distance[:, : order.shape[1]], exact, rtol=1e-12)
    np.testing.assert_array_equal(found.back, squared.argmin(axis=0))


def around(*sizes: int) -> list[int]:
    return sorted({1, *(size + more for size in sizes for more in (-1, 0, 1))})


@searches
@pytest.mark.parametrize("n", [*around(FLOATS.rows, BYTES.rows), 50])
@pytest.mark.parametrize("m", [2, *around(BYTES.lanes, BYTES.columns, PANELS * BYTES.columns), 300])
@pytest.mark.parametrize("length", [1, 36, 128])
def test_sizes_around_a_block(search: Search, n: int, m: int, length: int) -> None:
    rng = np.random.default_rng(n * m)
    check(search, rng.random((n, length), np.float32), rng.random((m, length), np.float32))


@searches
def test_several_ranges_and_waves(search: Search) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((CHUNK + 7, 24), np.float32), rng.random((WAVE + 9, 24), np.float32)
    check(search, a, b)
    check(search, b, a)


@searches
def test_of_equal_rows_the_lowest_is_the_nearest(search: Search) -> None:
    rng = np.random.default_rng(2)
    b = rng.random((WAVE + 300, 16), np.float32)
    same = rng.choice(len(b), 40, replace=False)
    b[same] = b[same[0]]
    a = np.concatenate([b[same[:1]], rng.random((3, 16), np.float32)])
    found = search(a, b)
    assert list(found.indices[0]) == sorted(same)[:2]
    assert list(found.distance[0]) == [0.0, 0.0]
    assert (search(b, a).back[0]) == min(same)


@searches
def test_without_a_second_there_is_none(search: Search) -> None:
    found = search(np.ones((4, 3), np.float32), np.zeros((1, 3), np.float32))
    assert (found.indices == [0, -1]).all()
    assert np.isinf(found.distance[:, 1]).all()


@searches
def test_differences_far_below_a_byte_decide(search: Search) -> None:
    rng = np.random.default_rng(3)
    a = rng.random((200, 32), np.float32)
    # Of every row six copies, moved by less than a float32 product of them shows.
    b = np.repeat(a, 6, axis=0) + rng.normal(0.0, 1e-5, (1200, 32)).astype(np.float32)
    check(search, a, b[rng.permutation(len(b))])


@searches
@pytest.mark.parametrize(("low", "high"), [(-3.0, -1.0), (1e6, 1e6 + 500.0), (0.0, 1e-30)])
def test_any_scale(search: Search, low: float, high: float) -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.uniform(low, high, (n, 128)).astype(np.float32) for n in (90, 310))
    check(search, a, b)


@searches
def test_bytes_themselves(search: Search) -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 256, (n, 128)).astype(np.float32) for n in (700, 900))
    b[:50] = a[100:150]
    check(search, a, b)


def test_what_bytes_do_not_tell_apart_is_left_to_floats() -> None:
    rng = np.random.default_rng(6)
    a, b = (rng.random((1500, 64), np.float32) for _ in range(2))
    # One number out of the ordinary, and all the others round to the same byte.
    a[7, 3] = 1e6
    assert _nearest_bytes.nearest_two_by_bytes(a, b) is None
    check(nearest_two, a, b)
    alike = np.ones((3000, 16), np.float32)
    assert _nearest_bytes.nearest_two_by_bytes(alike, alike) is None
    found = nearest_two(alike, alike)
    assert (found.indices == [0, 1]).all()
    assert (found.back == 0).all()


@pytest.mark.parametrize("length", [_nearest_bytes.LONGEST, _nearest_bytes.LONGEST + 1])
def test_long_rows(length: int) -> None:
    rng = np.random.default_rng(7)
    a, b = (np.where(rng.random((n, length)) < 0.5, 0.0, 255.0) for n in (13, 40))
    check(nearest_two, a.astype(np.float32), b.astype(np.float32))
