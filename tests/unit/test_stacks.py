"""Memory of octaves is used again, but never while anything looks at it."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from siftcore.scalespace import stacks
from siftcore.scalespace.stacks import empty_stack, forget


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    gc.collect()
    forget()
    yield
    forget()


def place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_what_is_gone_is_used_again_by_what_is_no_larger() -> None:
    first = empty_stack((6, 100, 200))
    where = place(first)
    del first
    smaller = empty_stack((6, 50, 100))
    assert place(smaller) == where
    assert smaller.shape == (6, 50, 100)
    assert smaller.dtype == np.float32
    assert smaller.flags.c_contiguous
    assert smaller.flags.writeable
    assert smaller.flags.aligned
    del smaller
    assert place(empty_stack((6, 100, 200))) == where
    assert place(empty_stack((6, 100, 201))) != where


@pytest.mark.parametrize("look", [lambda a: a[2], lambda a: a[0, 1:, ::2].T, memoryview, np.ravel])
def test_not_while_a_view_is_there(look: object) -> None:
    stack = empty_stack((3, 8, 8))
    stack[:] = 7.0
    view = look(stack)  # type: ignore[operator]
    del stack
    empty_stack((3, 8, 8))[:] = 0.0
    assert (np.asarray(view) == 7.0).all()


def test_no_more_is_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "KEPT_BYTES", 4 * 100)
    held = [empty_stack((n,)) for n in (60, 40, 30, 101)]
    del held
    assert sum(one.samples.nbytes for one in stacks._spare) <= 400
    assert len(stacks._spare) > 0


def test_copies_are_on_their_own() -> None:
    stack = empty_stack((2, 3))
    stack[:] = 1.0
    copied = pickle.loads(pickle.dumps(stack))
    stack[:] = 2.0
    assert (copied == 1.0).all()


def test_two_threads_never_get_the_same() -> None:
    def use(number: int) -> bool:
        stack = empty_stack((1000,))
        stack[:] = number
        return bool((stack == number).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(4000)))
