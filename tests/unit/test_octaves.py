"""Octaves beside one another: each worked on once, errors pass, nothing is held too long."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import numba
import numpy as np
import pytest

from siftcore import octaves
from siftcore.kernels._threads import both, thread_count
from siftcore.octaves import for_octaves
from siftcore.scalespace.protocol import Octave, ScaleSpace


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = numba.get_num_threads()
    if request.param > before:
        pytest.skip("Numba was started with one thread")
    numba.set_num_threads(request.param)
    yield request.param
    numba.set_num_threads(before)


def octave(number: int) -> Octave:
    side = 64 >> number
    return Octave(
        np.full((4, side, side), number, np.float32),
        np.arange(1.0, 5.0) * 2**number,
        2.0**number,
        0.0,
    )


def space(n: int) -> ScaleSpace:
    return ScaleSpace(lambda: (octave(number) for number in range(n)), (64, 64), "made")


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("largest", [0, 32**2, 2**21])
def test_every_octave_once(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    monkeypatch.setattr(octaves, "BESIDE_UP_TO", largest)
    kept: list[float] = []
    for_octaves(space(5), lambda one: one.delta, kept.append)
    assert sorted(kept) == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_next_octave_is_made_beside_the_first(threads: int) -> None:
    made = threading.Event()

    def make() -> Iterator[Octave]:
        yield octave(0)
        made.set()
        yield octave(1)

    def work(one: Octave) -> bool:
        return one.delta > 1.0 or made.wait(20.0 if threads > 1 else 0.0)

    kept: list[bool] = []
    for_octaves(ScaleSpace(make, (64, 64), "made"), work, kept.append)
    assert all(kept) == (threads > 1)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_errors_pass(bad: int) -> None:
    def work(one: Octave) -> None:
        if one.delta == 2.0**bad:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for_octaves(space(3), work, lambda _: None)
    # The pool is as good as before.
    kept: list[float] = []
    for_octaves(space(3), lambda one: one.delta, kept.append)
    assert len(kept) == 3


@pytest.mark.usefixtures("threads")
def test_octaves_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(octaves, "BESIDE_UP_TO", 0)
    seen: list[weakref.ref[Octave]] = []

    def work(one: Octave) -> None:
        gc.collect()
        assert not any(ref() for ref in seen)
        seen.append(weakref.ref(one))

    for_octaves(space(4), work, lambda _: None)
    assert len(seen) == 4


def test_the_other_thread_inherits_the_setting(threads: int) -> None:
    counts: list[int] = []
    both(lambda: counts.append(thread_count()), lambda: counts.append(thread_count()))
    assert counts == [threads, threads]
