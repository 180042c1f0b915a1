"""Workers that are processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from siftcore._children import end_with_parent, start_child
from siftcore._stopping import InterruptsWait
from siftcore.batch.crew import Event, run_crew
from siftcore.batch.jobs import Job, Refused, Results, Source, Task, usable_cores

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["extract_in_processes", "thread_settings"]

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def extract_in_processes(job: Job, tasks: Sequence[Task], workers: int) -> Results:
    """Do all tasks in `workers` processes, in any order; the cores are shared out among them."""
    return run_crew(_Processes(job, thread_settings(usable_cores() // workers)), tasks, workers)


def thread_settings(threads: int) -> dict[str, str]:
    """Environment of a process that is to use `threads` threads, at least one."""
    return dict.fromkeys(_THREADS, str(max(1, threads)))


class _Worker:
    def __init__(self, process: Any, connection: Connection) -> None:
        self.process = process
        self.connection = connection


class _Processes:
    def __init__(self, job: Job, environment: dict[str, str]) -> None:
        self._job = job
        self._environment = environment
        # A forked child would inherit the other workers' pipes, and would not see them close.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def hire(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._job), daemon=True)
        worker = _Worker(process, ours)
        # Either it is started and known, or neither.
        with InterruptsWait():
            # Numba and OpenMP read these when they are loaded, which may be before our code runs.
            with _environment(self._environment):
                start_child(process)
            self._workers.append(worker)
        theirs.close()
        return worker

    def send(self, worker: _Worker, source: Source) -> None:
        with suppress(OSError):
            worker.connection.send(source)

    def wait(
        self, workers: Sequence[_Worker]
    ) -> list[tuple[_Worker, Features | Refused | Event | Exception]]:
        of_connection = {worker.connection: worker for worker in workers}
        told = []
        for connection in wait(list(of_connection)):
            worker = of_connection[connection]  # type: ignore[index]
            try:
                event = worker.connection.recv()
            except (OSError, EOFError, pickle.UnpicklingError):
                event = Event.LOST
                self._end(worker)
            told.append((worker, event))
        return told

    def close(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _end(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        # It holds nothing that would be lost.
        worker.process.kill()
        worker.connection.close()
        worker.process.join()
        worker.process.close()


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(connection: Connection, job: Job) -> None:
    """Answer paths until the other end closes, which it does when the parent dies."""
    end_with_parent()
    with suppress(EOFError, OSError):
        try:
            extract = job.prepare()
        except Exception as error:
            connection.send(error)
            return
        connection.send(Event.READY)
        while True:
            connection.send(extract(connection.recv()))
