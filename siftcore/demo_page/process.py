"""Comparisons in a process of their own, which can be ended whatever it is at.

A thread cannot be stopped inside a network or a compiled kernel; a process can. It lives on from
one comparison to the next, because it holds what was loaded and compiled.
"""

from __future__ import annotations

import multiprocessing
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from siftcore._children import end_with_parent, start_child
from siftcore.demo_page.compare import Outcome, Settings, compare
from siftcore.demo_page.pairs import Pair
from siftcore.errors import SiftError

__all__ = ["Compare", "ComparisonProcess", "EndedError", "FailedError", "StoppedError"]

Compare = Callable[[Pair, Sequence[str], Settings], Iterator[Outcome]]


class EndedError(Exception):
    """The process ended before the comparison did: killed, or out of memory."""


class StoppedError(Exception):
    """`ComparisonProcess.stop` ended the comparison."""


class FailedError(Exception):
    """Something that is no `SiftError` was raised; its traceback is in the terminal.

    The message is the name of its class.
    """


class ComparisonProcess:
    """Compares for one caller at a time; started when it is first needed.

    Another comparison ends the one before, whose caller must have gone away.

    Parameters
    ----------
    does : callable
        As `siftcore.demo_page.compare.compare`; a process imports it by its name.
    """

    def __init__(self, does: Compare = compare) -> None:
        self._does = does
        # Held for what takes no time; `stop` comes from another thread than `compare`.
        self._lock = threading.Lock()
        self._running: tuple[Any, Connection] | None = None
        self._comparison: object = None
        self._caller: object = None
        self._stopped: object = None

    def compare(
        self, pair: Pair, providers: Sequence[str], settings: Settings, caller: object = None
    ) -> Generator[Outcome, None, None]:
        """As `siftcore.demo_page.compare.compare`.

        A caller that does not take all outcomes must close the iterator, which ends the process.

        Parameters
        ----------
        pair, providers, settings
            As there.
        caller : object, optional
            Who may `stop` it.

        Yields
        ------
        Outcome

        Raises
        ------
        SiftError
            As there.
        MemoryError
            As there.
        StoppedError
            When `stop` ended it.
        EndedError
            When the process ended in the middle otherwise.
        FailedError
            When something else was raised.
        """
        this, done = object(), False
        with self._lock:
            if self._comparison is not None:
                self._end()
            connection = self._started()
            self._comparison, self._caller = this, caller
        try:
            connection.send((pair, providers, settings))
            while not done:
                told = connection.recv()
                done = told is None or isinstance(told, Exception)
                if isinstance(told, Exception):
                    raise told
                if told is not None:
                    yield told
        except (EOFError, OSError) as error:
            raise (StoppedError if self._stopped is this else EndedError) from error
        finally:
            with self._lock:
                if self._comparison is this:
                    self._comparison = self._caller = None
                    if not done:
                        self._end()

    def stop(self, caller: object) -> bool:
        """End the process if it works for `caller`, whose `compare` raises then.

        Returns
        -------
        bool
            Whether it did.
        """
        with self._lock:
            works = caller is not None and caller == self._caller and self._running is not None
            if works:
                self._stopped = self._comparison
                self._end()
        return works

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _started(self) -> Connection:
        if self._running is not None and not self._running[0].is_alive():
            self._end()
        if self._running is None:
            # Gradio has threads, and a fork would copy their locks in whatever state.
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._does), daemon=True)
            start_child(process)
            theirs.close()
            self._running = process, ours
        return self._running[1]

    def _end(self) -> None:
        if self._running is not None:
            # A comparison that waits on the connection gets an `EOFError`; it closes with its last
            # user, as its number must not be taken by another file before.
            process, _ = self._running
            self._running = None
            process.kill()
            process.join()
            process.close()


def _serve(connection: Connection, does: Compare) -> None:
    """Answer until the other end closes, which it does when the parent dies."""
    end_with_parent()
    with suppress(EOFError, OSError):
        while True:
            asked = connection.recv()
            answer: Exception | None = None
            try:
                for outcome in does(*asked):
                    connection.send(outcome)
            except (SiftError, MemoryError) as error:
                answer = error
            except Exception as error:
                traceback.print_exc()
                answer = FailedError(type(error).__name__)
            connection.send(answer)
