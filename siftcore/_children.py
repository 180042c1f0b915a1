"""Processes that work for this one."""

from __future__ import annotations

import _thread
import importlib
import multiprocessing
import os
import signal
from multiprocessing.connection import wait
from typing import Any

from siftcore._stopping import InterruptsWait

__all__ = ["end_with_parent", "start_child"]


def start_child(process: Any) -> None:
    """Start a `multiprocessing.Process` that its owner ends, and no Ctrl-C.

    A terminal sends SIGINT to the whole group. A child that only ignores it once it runs its own
    code would print a traceback where it comes earlier, so it begins with SIGINT blocked.

    An interrupt of this process waits meanwhile: half-started, a child has no owner.
    """
    with InterruptsWait():
        if not hasattr(signal, "pthread_sigmask"):
            process.start()
            return
        # Otherwise the start does this itself, and unblocks SIGINT on the way.
        importlib.import_module("multiprocessing.resource_tracker").ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """Let this process end at once when the one that started it does, whatever it is at.

    It would otherwise only find out when it has done what was asked.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        _thread.start_new_thread(_end_behind, (parent.sentinel,))


def _end_behind(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
