"""Comparisons in a process of their own: the same outcomes, and an end at any time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from siftcore.demo_page.compare import Settings, compare
from siftcore.demo_page.pairs import Pair, pair_of_copy
from siftcore.demo_page.process import ComparisonProcess, EndedError, FailedError, StoppedError
from siftcore.demo_page.samples import SAMPLES
from siftcore.errors import InputError, UnknownProviderError
from tests.page.comparisons import compare_or_worse

SETTINGS = Settings(max_keypoints=100)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return pair_of_copy(Image.open(SAMPLES[2].image_a).convert("RGB"), 2, 10)


@pytest.fixture(scope="module")
def process() -> Iterator[ComparisonProcess]:
    made = ComparisonProcess(compare_or_worse)
    yield made
    made.close()


def _pid(process: ComparisonProcess) -> int | None:
    return process._running and process._running[0].pid


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_outcomes_are_those_of_a_comparison_here(
    process: ComparisonProcess, pair: Pair
) -> None:
    names = ["dog", "bicubic-x2"]
    found = list(process.compare(pair, names, SETTINGS))
    for one, other in zip(found, compare(pair, names, SETTINGS), strict=True):
        assert (one.provider, one.n_correct, one.n_inliers) == (
            other.provider, other.n_correct, other.n_inliers,
        )  # fmt: skip
        np.testing.assert_array_equal(one.result.matches.indices, other.result.matches.indices)
        np.testing.assert_array_equal(np.asarray(one.matches), np.asarray(other.matches))
    before = _pid(process)
    list(process.compare(pair, ["dog"], SETTINGS))
    assert _pid(process) == before


def test_stopped_in_the_middle(process: ComparisonProcess, pair: Pair) -> None:
    outcomes = process.compare(pair, ["dog", "endless"], SETTINGS, "me")
    assert next(outcomes).provider == "dog"
    pid = _pid(process)
    assert pid is not None
    assert not process.stop("somebody else")
    assert not _is_gone(pid)
    stopper = threading.Timer(0.2, process.stop, ["me"])
    stopper.start()
    with pytest.raises(StoppedError):
        next(outcomes)
    stopper.join()
    assert _is_gone(pid)
    assert not process.stop("me")
    assert [each.provider for each in process.compare(pair, ["dog"], SETTINGS)] == ["dog"]


def test_who_takes_no_more_outcomes_ends_it(process: ComparisonProcess, pair: Pair) -> None:
    outcomes = process.compare(pair, ["dog", "endless"], SETTINGS)
    next(outcomes)
    pid = _pid(process)
    assert pid is not None
    outcomes.close()
    assert _is_gone(pid)
    assert [each.provider for each in process.compare(pair, ["dog"], SETTINGS)] == ["dog"]


def test_a_comparison_that_nobody_takes_is_ended_by_the_next(
    process: ComparisonProcess, pair: Pair
) -> None:
    left = process.compare(pair, ["dog", "endless"], SETTINGS)
    next(left)
    pid = _pid(process)
    assert pid is not None
    again = process.compare(pair, ["dog", "dog"], SETTINGS)
    next(again)
    assert _is_gone(pid)
    with pytest.raises(EndedError):
        next(left)
    assert next(again).provider == "dog"
    assert list(again) == []


def test_errors_come_through(pair: Pair, capfd: pytest.CaptureFixture[str]) -> None:
    # Its errors go where those of this process go when it starts.
    process = ComparisonProcess(compare_or_worse)
    with pytest.raises(UnknownProviderError, match="'nothing'"):
        list(process.compare(pair, ["nothing"], SETTINGS))
    with pytest.raises(MemoryError):
        list(process.compare(pair, ["no memory"], SETTINGS))
    assert capfd.readouterr().err == ""
    with pytest.raises(FailedError, match=r"^KeyError$"):
        list(process.compare(pair, ["wrong"], SETTINGS))
    assert "KeyError: 'wrong'" in capfd.readouterr().err
    with pytest.raises(EndedError):
        list(process.compare(pair, ["killed"], SETTINGS))
    assert [each.provider for each in process.compare(pair, ["dog"], SETTINGS)] == ["dog"]
    process.close()


def test_the_checks_before_any_work(pair: Pair) -> None:
    made = ComparisonProcess()
    try:
        with pytest.raises(InputError, match="no provider is chosen"):
            list(made.compare(pair, [], SETTINGS))
    finally:
        made.close()
    made.close()
