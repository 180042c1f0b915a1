"""Running a kernel over ranges on several threads, with the same result for any number of them.

Ranges are cut by a fixed chunk size, never by the number of threads, and every range owns its
output; so threads decide only who computes a range, not what is computed.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numba
from numba import config
from numba.np.ufunc import parallel

from siftcore.kernels import _workers

__all__ = ["both", "for_ranges", "for_stages", "thread_count"]

Result = TypeVar("Result")
# What a thread of the pool may use: Numba keeps the setting of every thread apart.
_inherited = threading.local()


def _limit() -> int:
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def thread_count() -> int:
    """Numba's setting: ``numba.set_num_threads`` where it was called, else NUMBA_NUM_THREADS."""
    if hasattr(_inherited, "count"):
        return int(_inherited.count)
    # What numba.get_num_threads reads, behind a lock that all forks of a process share and that an
    # interrupt, or the kill of a fork, leaves held for good: every other thread would wait for it.
    setting = getattr(parallel, "_get_num_threads", None)
    if setting is not None:
        return int(setting())
    try:
        numba.threading_layer()  # type: ignore[attr-defined]
    except ValueError:
        # No threading layer was started, so set_num_threads cannot have been called; asking
        # get_num_threads would start one.
        return _limit()
    return int(numba.get_num_threads())


def _started(call: Callable[[], object]) -> _workers.Task:
    return _workers.start(call, most=max(1, _limit() - 1))


# With fewer samples than about this, waking a thread takes longer than it saves.
PARALLEL_FROM = 2**18
# Seconds between two looks at whether another thread is done.
_MOMENT = 2e-5


def for_ranges(
    task: Callable[[int, int], Result], n: int, chunk: int, samples: int | None = None
) -> list[Result]:
    """``task(start, stop)`` over 0..n in chunks, on as many threads as Numba is set to.

    Parameters
    ----------
    task : callable
        Called once a range, from any thread; it should spend its time in a ``nogil`` kernel.
    n : int
        Number of items.
    chunk : int
        Items a range.
    samples : int, optional
        That all ranges together read; few of them are not worth a second thread.

    Returns
    -------
    list
        What the calls returned, in the order of the ranges.

    Raises
    ------
    Exception
        The first exception of a task; the other ranges may not have run.
    """
    starts = range(0, n, chunk)
    if len(starts) <= 1:
        return [task(start, n) for start in starts]
    results: list[Result | None] = [None] * len(starts)
    failed: list[BaseException] = []
    tickets: Iterator[int] = itertools.count()

    def work() -> None:
        # next() on itertools.count is atomic, so each range is drawn once.
        while not failed and (ticket := next(tickets)) < len(starts):
            start = starts[ticket]
            results[ticket] = task(start, min(start + chunk, n))

    _on_threads(work, failed, len(starts), samples)
    return results  # type: ignore[return-value]


def for_stages(
    stages: Sequence[Callable[[int, int], object]], n: int, chunk: int, reach: int, samples: int
) -> None:
    """Each stage over 0..n in chunks; a range begins when what it needs of the one before is done.

    So threads do not wait for one another between stages.

    Parameters
    ----------
    stages : sequence of callable
        As `task` of `for_ranges`.
    n, chunk : int
        Number of items of every stage, and items a range.
    reach : int
        A range needs the items of the stage before from `reach` before its first to `reach` after
        its last.
    samples : int
        As for `for_ranges`.

    Raises
    ------
    Exception
        The first exception of a stage; other ranges may not have run.
    """
    n_chunks = len(range(0, n, chunk))
    # Those before the first stage are done.
    done = [bytearray(b"\x01" * n_chunks), *(bytearray(n_chunks) for _ in stages)]
    failed: list[BaseException] = []
    tickets: Iterator[int] = itertools.count()

    def work() -> None:
        while not failed and (ticket := next(tickets)) < n_chunks * len(stages):
            stage, place = divmod(ticket, n_chunks)
            start = place * chunk
            stop = min(start + chunk, n)
            needed = slice(max(0, start - reach) // chunk, (stop + reach - 1) // chunk + 1)
            # Drawn earlier, so a thread works on them: hardly ever is there anything to wait for.
            while not all(done[stage][needed]):
                if failed:
                    return
                time.sleep(_MOMENT)
            stages[stage](start, stop)
            done[stage + 1][place] = 1

    _on_threads(work, failed, n_chunks, samples)


def _on_threads(
    work: Callable[[], None], failed: list[BaseException], n_ranges: int, samples: int | None
) -> None:
    """`work` here, and on other threads where there are enough ranges and samples.

    Threads end before their next range when `failed` has an item.
    """
    small = samples is not None and samples < PARALLEL_FROM
    n_helpers = 0 if small else min(thread_count(), n_ranges) - 1
    if n_helpers <= 0:
        work()
        return

    def work_or_tell() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    helpers: list[_workers.Task] = []
    try:
        helpers.extend(_started(work_or_tell) for _ in range(n_helpers))
        work()
        for helper in helpers:
            helper.finished()
    except BaseException as error:
        # An interrupt may come at any line, and others wait for the range that was drawn.
        failed.append(error)
        for helper in helpers:
            helper.finished()
        failed.clear()
        raise
    if failed:
        try:
            raise failed[0]
        finally:
            # Its traceback holds this frame, which holds it.
            failed.clear()


def both(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Call both, the second on another thread where one is free.

    A thread that is done early helps with the ranges of the other call.

    Raises
    ------
    Exception
        That of `first` if both fail.
    """
    count = thread_count()
    if count == 1:
        first()
        second()
        return

    def elsewhere() -> None:
        _inherited.count = count
        try:
            second()
        finally:
            del _inherited.count

    other = _started(elsewhere)
    try:
        first()
        done = other.finished()
    except BaseException:
        # Nothing of this call goes on behind it; a second interrupt does not wait.
        other.finished()
        raise
    if not done:
        second()
    elif other.error is not None:
        try:
            raise other.error
        finally:
            # Its traceback holds the task.
            other.error = None
