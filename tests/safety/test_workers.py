"""Work that is handed to other threads: taken back, failed, interrupted, and at a process' end."""

from __future__ import annotations

import _thread
import contextlib
import gc
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from siftcore.kernels import _threads, _workers

# What these children do takes a few seconds; Numba may have to compile first.
SECONDS = 240.0


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine of one processor would hand nothing over.
    monkeypatch.setattr(_threads._inherited, "count", 2, raising=False)


def ranges() -> list[int]:
    return _threads.for_ranges(lambda start, stop: stop - start, 100, 10)


def child(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no setitimer")
def test_a_process_ends_after_thousands_of_interrupts() -> None:
    ended = child("-m", "tests.safety.interrupted", "4000")
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr


@pytest.mark.parametrize("ends", ["raise SystemExit(3)", "os.kill(os.getpid(), signal.SIGINT)"])
def test_a_process_ends_while_a_worker_is_busy(ends: str) -> None:
    ended = child(
        "-c",
        "import os, signal, sys, time\n"
        "from siftcore.kernels import _workers\n"
        "def work():\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(1.0)\n"
        "    print('done', flush=True)\n"
        "_workers.start(work, 1)\n"
        "time.sleep(0.3)\n" + ends,
    )
    assert ended.stdout == "begun\ndone\n"
    assert ended.returncode != 0


def test_a_worker_that_never_ends_does_not_hold_the_process() -> None:
    ended = child(
        "-c",
        "import threading, time\n"
        "from siftcore.kernels import _workers\n"
        "_workers.SECONDS_TO_END = 0.2\n"
        "_workers.start(threading.Event().wait, 1)\n"
        "time.sleep(0.2)\n"
        "print('ended')",
    )
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr


def test_work_goes_on_where_the_interpreter_ends() -> None:
    ended = child(
        "-c",
        "import atexit\n"
        "def last():\n"
        "    print(_threads.for_ranges(lambda a, b: b - a, 100, 50))\n"
        "atexit.register(last)\n"
        "from siftcore.kernels import _threads\n"
        "_threads._inherited.count = 2\n"
        "last()\n",
    )
    assert (ended.returncode, ended.stdout) == (0, "[50, 50]\n" * 2), ended.stderr


def test_a_system_without_threads_to_give_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_workers, "_workers", _workers._Workers())
    monkeypatch.setattr(_thread, "start_new_thread", none_left)
    assert ranges() == [10] * 10
    calls: list[int] = []
    _threads.both(lambda: calls.append(1), lambda: calls.append(2))
    assert calls == [1, 2]
    assert _workers.n_workers() == 0


def test_a_task_taken_back_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, busy = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        busy.wait(20.0)

    monkeypatch.setattr(_workers, "_workers", _workers._Workers())
    holding = _workers.start(hold, 1)
    assert begun.wait(20.0)
    calls: list[int] = []
    task = _workers.start(lambda: calls.append(1), 1)
    assert [task.finished(), task.finished()] == [False, False]
    busy.set()
    assert holding.finished()
    ranges()
    assert calls == []


def test_to_ask_again_does_not_wait_again() -> None:
    begun = threading.Event()
    task = _workers.start(begun.set, 1)
    assert begun.wait(20.0)
    assert [task.finished(), task.finished()] == [True, True]


def test_an_error_of_either_thread_is_raised_and_not_kept() -> None:
    class MineError(Exception):
        pass

    def kept_weakly(raised: list, error: MineError) -> MineError:
        raised.append(weakref.ref(error))
        return error

    here = threading.get_ident()
    both_begun = threading.Barrier(2)

    for fails_here in (True, False):
        raised: list[weakref.ref[MineError]] = []

        def task(
            start: int, stop: int, *, fails_here: bool = fails_here, raised: list = raised
        ) -> None:
            if start < 20:
                both_begun.wait(20.0)
            if start < 20 and (threading.get_ident() == here) == fails_here:
                raise kept_weakly(raised, MineError())

        gc.disable()
        try:
            # pytest.raises would keep the error.
            with contextlib.suppress(MineError):
                _threads.for_ranges(task, 100, 10)
            assert len(raised) == 1
            assert raised[0]() is None
        finally:
            gc.enable()


def test_an_idle_worker_keeps_nothing_alive() -> None:
    for _ in range(3):
        image = np.zeros(100)
        gone = weakref.ref(image)
        both_begun = threading.Barrier(2)

        def begin(image: np.ndarray = image, both_begun: threading.Barrier = both_begun) -> None:
            both_begun.wait(20.0)
            image.sum()

        gc.disable()
        try:
            _threads.both(begin, begin)
            del image, begin
            assert gone() is None
        finally:
            gc.enable()


def test_an_interrupted_wait_leaves_no_work_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    wait_for = _workers.Task.finished

    def interrupted_once(task: _workers.Task) -> bool:
        waits.append(1)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return wait_for(task)

    monkeypatch.setattr(_workers.Task, "finished", interrupted_once)
    begun, done = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(0.2)
        done.set()

    with pytest.raises(KeyboardInterrupt):
        _threads.both(lambda: begun.wait(20.0), slow)
    assert done.is_set()
