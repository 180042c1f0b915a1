"""Threads that wait for work and may be interrupted, forked and left at any moment.

The executors of the standard library hold locks across lines of Python. An interrupt between two
of these leaves a lock held for good: whoever submits next waits for ever, and so does the end of
the process, which joins their threads. Here every step of a handover is one call into C, which an
interrupt comes before or behind, and nobody needs a thread to take a task: its owner can take it
back.
"""

from __future__ import annotations

import _thread
import atexit
import os
import time
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Task", "end", "n_workers", "start"]

# Longest wait, in seconds, for the ranges that workers are at when the interpreter ends.
SECONDS_TO_END = 10.0

_OWNER, _WORKER = "owner", "worker"


class Task:
    """A call that a worker makes, unless its owner takes it back first.

    Attributes
    ----------
    error : BaseException or None
        What the call raised.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self._call: Callable[[], object] | None = call
        # Whoever appends first has it: appending is atomic, and to do it again changes nothing.
        self._claims: list[str] = []
        self._over = False
        self._running = _thread.allocate_lock()
        self._running.acquire()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Make the call; for workers."""
        self._claims.append(_WORKER)
        if self._claims[0] is not _WORKER or self._call is None:
            return
        try:
            self._call()
        except BaseException as error:
            self.error = error
        # An idle worker, or an owner's frame, must not keep the arrays of a call alive.
        self._call = None
        self._over = True
        self._running.release()

    def finished(self) -> bool:
        """Wait for the end of the call; False where none had begun, and none will.

        May be interrupted, and called again.
        """
        self._claims.append(_OWNER)
        if self._claims[0] is _OWNER:
            self._call = None
            return False
        if not self._over:
            self._running.acquire()
        return True


class _Workers:
    def __init__(self) -> None:
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        # One item a worker that waits, and a lock a worker that is held while it lives.
        self.idle: list[None] = []
        self.lives: list[_thread.LockType] = []
        self.n_started = 0
        self.growing = _thread.allocate_lock()

    def work(self) -> None:
        life = _thread.allocate_lock()
        life.acquire()
        self.lives.append(life)
        while (task := self.tasks.get()) is not None:
            task.run()
            del task
            self.idle.append(None)
        life.release()

    def grow(self, most: int) -> None:
        with self.growing:
            if self.n_started >= most:
                return
            try:
                _thread.start_new_thread(self.work, ())
            except RuntimeError:
                # The system has no more threads, or the interpreter is ending: the owner takes
                # its task back.
                return
            self.n_started += 1

    def end(self) -> None:
        for _ in self.lives:
            self.tasks.put(None)
        until = time.monotonic() + SECONDS_TO_END
        for life in self.lives:
            life.acquire(timeout=max(0.0, until - time.monotonic()))


_workers = _Workers()


def start(call: Callable[[], object], most: int) -> Task:
    """Hand a call to a worker.

    Parameters
    ----------
    call : callable
        Without arguments.
    most : int
        Workers to start in all; one is started where none is idle.

    Returns
    -------
    Task
        Whose owner must ask whether it is `finished`.
    """
    task = Task(call)
    workers = _workers
    try:
        workers.idle.pop()
    except IndexError:
        workers.grow(most)
    workers.tasks.put(task)
    return task


def n_workers() -> int:
    """Threads that were started in this process."""
    return _workers.n_started


def end() -> None:
    """Let the workers end, after the task that each is at."""
    _workers.end()


def _begin_anew() -> None:
    # A forked child has none of the threads, and the locks are as the parent's threads left them.
    global _workers
    _workers = _Workers()


# Behind this, compiled code may be unloaded under a thread that runs it.
atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
