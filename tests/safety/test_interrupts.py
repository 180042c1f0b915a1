"""An interrupt, or any exception, in the midst of a call: it passes, and the next call is whole."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

import numpy as np
import pytest

import siftcore
from siftcore.kernels import _threads, _workers
from tests.safety.digests import extracted, images

IMAGE = images()[0]


# Python can only report an interrupt that comes in a destructor or a callback of the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="the system has no setitimer")
def test_interrupts_at_any_moment() -> None:
    wanted = extracted(IMAGE)
    start = time.perf_counter()
    extracted(IMAGE)
    whole = time.perf_counter() - start
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        for k in range(40):
            # From at once to just behind the end.
            signal.setitimer(signal.ITIMER_REAL, max(1e-4, whole * k / 36))
            try:
                assert extracted(IMAGE) == wanted
            except KeyboardInterrupt:
                interrupted += 1
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            assert extracted(IMAGE) == wanted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 0


class Broken:
    """A provider that raises at its n-th octave."""

    name = "broken"

    def __init__(self, at: int, error: BaseException) -> None:
        self.at, self.error = at, error

    def build(self, image: np.ndarray, params: Any) -> siftcore.ScaleSpace:
        space = siftcore.get_provider("dog").build(image, params)

        def octaves() -> Any:
            for k, octave in enumerate(space.make_octaves()):
                if k == self.at:
                    raise self.error
                yield octave

        return siftcore.ScaleSpace(octaves, space.image_size, self.name)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), ValueError("mine")])
def test_an_exception_of_a_provider_passes(at: int, error: BaseException) -> None:
    wanted = extracted(IMAGE)
    for _ in range(3):
        with pytest.raises(type(error)):
            siftcore.extract(IMAGE, Broken(at, error))
        assert extracted(IMAGE) == wanted


def test_an_exception_of_a_range_passes() -> None:
    def task(start: int, stop: int) -> int:
        if start == 30:
            raise KeyError("mine")
        return stop - start

    for _ in range(20):
        with pytest.raises(KeyError, match="mine"):
            _threads.for_ranges(task, 100, 10)
        assert _threads.for_ranges(lambda a, b: b - a, 100, 10) == [10] * 10


def test_no_thread_is_left_waiting() -> None:
    for _ in range(5):
        with pytest.raises(MemoryError):
            siftcore.extract(IMAGE, Broken(1, MemoryError()))
    assert _workers.n_workers() < max(2, _threads._limit())
