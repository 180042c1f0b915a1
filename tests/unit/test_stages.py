"""Stages over ranges: the same for any number of threads, and no thread waits for ever."""

from __future__ import annotations

import threading
import time

import numba
import numpy as np
import pytest

from siftcore.kernels._threads import PARALLEL_FROM, for_stages
from siftcore.kernels._workers import n_workers
from siftcore.kernels.blur import gaussian_blur, gaussian_blurs


@pytest.fixture(params=[1, 2, 5])
def threads(request, monkeypatch):
    # More than the machine may have: the order in which they come must not matter.
    monkeypatch.setattr("siftcore.kernels._threads.thread_count", lambda: request.param)
    return request.param


def test_a_range_finds_what_it_needs(threads):
    n, chunk, reach, n_stages = 103, 5, 7, 6
    levels = np.zeros((n_stages + 1, n), np.int64)
    levels[0] = np.arange(n)

    def stage(i):
        def task(start, stop):
            for k in range(start, stop):
                levels[i + 1, k] = levels[i, max(0, k - reach) : k + reach + 1].sum()

        return task

    for_stages([stage(i) for i in range(n_stages)], n, chunk, reach, PARALLEL_FROM)
    expected = np.arange(n)
    for i in range(n_stages):
        expected = np.array([expected[max(0, k - reach) : k + reach + 1].sum() for k in range(n)])
        np.testing.assert_array_equal(levels[i + 1], expected)


def test_an_error_ends_all_threads(threads):
    def fails(start, stop):
        if start >= 30:
            raise RuntimeError("in a range")

    def later(start, stop):
        pass

    with pytest.raises(RuntimeError, match="in a range"):
        for_stages([fails, later, later], 100, 10, 20, PARALLEL_FROM)
    # Threads of the pool are free again.
    for_stages([later], 100, 10, 20, PARALLEL_FROM)
    assert n_workers() < max(2, numba.config.NUMBA_NUM_THREADS)


def test_an_interrupt_while_waiting_ends_all_threads(monkeypatch):
    monkeypatch.setattr("siftcore.kernels._threads.thread_count", lambda: 2)
    waited = threading.Event()
    waiting = []

    def interrupted(seconds):
        # The first thread that has to wait.
        waiting.append(threading.get_ident())
        waited.set()
        if threading.get_ident() == waiting[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr("siftcore.kernels._threads.time.sleep", interrupted)

    def slow(start, stop):
        if start == 0:
            waited.wait(20.0)

    def later(start, stop):
        pass

    ended = threading.Event()

    def run():
        with pytest.raises(KeyboardInterrupt):
            for_stages([slow, later, later], 40, 10, 5, PARALLEL_FROM)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(30.0)


@pytest.mark.parametrize("shape", [(700, 600), (40, 7000), (3, 90000), (9, 11)])
def test_blurs_in_stages_are_those_one_by_one(shape, threads):
    rng = np.random.default_rng(0)
    image = rng.random(shape, dtype=np.float32)
    sigmas = [0.0, 1.2, 1.5, 3.1, 4.6]
    out = np.empty((len(sigmas), *shape), np.float32)
    gaussian_blurs(image, sigmas, out)
    level = image
    for sigma, found in zip(sigmas, out, strict=True):
        level = gaussian_blur(level, sigma)
        np.testing.assert_array_equal(found, level)


def test_no_range_begins_before_what_it_needs_is_done(monkeypatch):
    n, chunk, reach = 58, 10, 7

    def on_four_threads(work, failed, n_ranges, samples):
        helpers = [threading.Thread(target=work) for _ in range(4)]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()

    monkeypatch.setattr("siftcore.kernels._threads._on_threads", on_four_threads)
    for slow in range(0, n, chunk):
        done = np.zeros((4, n), bool)
        done[0] = True
        too_early = []

        def stage(i, slow=slow, done=done, too_early=too_early):
            def task(start, stop):
                if not done[i, max(0, start - reach) : stop + reach].all():
                    too_early.append((i, start))
                if i == 0 and start == slow:
                    # The others go on meanwhile, as far as they may.
                    time.sleep(0.02)
                done[i + 1, start:stop] = True

            return task

        for_stages([stage(i) for i in range(3)], n, chunk, reach, PARALLEL_FROM)
        assert too_early == []
        assert done.all()


def test_blurs_in_stages_say_how_far_they_reach(monkeypatch):
    def as_late_as_can_be(stages, n, chunk, reach, samples):
        done = set()

        def run(stage, place):
            if stage < 0 or (stage, place) in done:
                return
            start, stop = place * chunk, min((place + 1) * chunk, n)
            last = min(n, stop + reach) - 1
            for near in range(max(0, start - reach) // chunk, last // chunk + 1):
                run(stage - 1, near)
            stages[stage](start, stop)
            done.add((stage, place))

        for place in range(-(-n // chunk)):
            run(len(stages) - 1, place)

    image = np.random.default_rng(3).random((300, 40), np.float32)
    sigmas = [1.2, 4.6, 2.5]
    monkeypatch.setattr("siftcore.kernels.blur.for_stages", as_late_as_can_be)
    # Of larger ranges the next one is enough.
    monkeypatch.setattr("siftcore.kernels.blur.CHUNK", 4)
    blurred = np.full((3, 300, 40), np.nan, np.float32)
    gaussian_blurs(image, sigmas, blurred)
    for sigma, found in zip(sigmas, blurred, strict=True):
        image = gaussian_blur(image, sigma)
        np.testing.assert_array_equal(found, image)
