"""Workers that are actors of a Ray cluster, each with its kernels and network warm."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from siftcore.batch.crew import Event, run_crew
from siftcore.batch.jobs import Extractor, Job, Refused, Results, Source, Task, usable_cores
from siftcore.batch.processes import thread_settings
from siftcore.errors import MissingDependencyError, SiftError

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["extract_on_ray"]

# A few results of each worker are there at a time, some megabytes each.
_STORE_BYTES = 2**27
_STORE_BYTES_PER_WORKER = 2**25
# Seconds.
_REACHED_WITHIN = 10.0


def extract_on_ray(job: Job, tasks: Sequence[Task], workers: int) -> Results:
    """Do all tasks with `workers` actors, in any order.

    With RAY_ADDRESS set (``auto``, or a head's address) they run on that cluster, on a core each,
    and on a GPU each if the job's device is "cuda"; the images must be at the same paths on all
    machines.
    Without it a cluster of this machine is started for the time of the batch.

    Raises
    ------
    MissingDependencyError
        Without Ray.
    SiftError
        When actors cannot start.
    """
    ray = _import_ray()
    ours = not ray.is_initialized()
    threads = 1
    if ours:
        with _same_handler(signal.SIGTERM):
            threads = _connect(ray, workers)
    try:
        yield from run_crew(_Actors(ray, job, threads), tasks, workers)
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, workers: int) -> int:
    """Join the cluster or start one; how many threads a worker has."""
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS")
    if address:
        try:
            _check_reachable(address)
            ray.init(address=address, **quiet)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise SiftError(
                f"cannot reach the Ray cluster at RAY_ADDRESS={address}: {error}; start it with "
                "'ray start --head', or unset RAY_ADDRESS to use this machine alone"
            ) from error
        return 1
    # Ray sends statistics of its use home unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=_STORE_BYTES + workers * _STORE_BYTES_PER_WORKER,
        **quiet,
    )
    return usable_cores() // workers


def _check_reachable(address: str) -> None:
    """Raise OSError at once where Ray would go on trying for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_REACHED_WITHIN).close()


@contextmanager
def _same_handler(number: signal.Signals) -> Iterator[None]:
    """Keep Python's handler of a signal: Ray puts its own there, which ends the process."""
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingDependencyError("ray", "a batch over a cluster", "ray") from error


class _Actor:
    """What runs on the cluster."""

    def __init__(self) -> None:
        self._extract: Extractor | None = None

    def start(self, job: Job, environment: dict[str, str]) -> Event | Exception:
        # Neither Numba nor torch is loaded yet.
        os.environ.update(environment)
        try:
            self._extract = job.prepare()
        except Exception as error:
            return error
        return Event.READY

    def extract(self, source: Source) -> Features | Refused:
        assert self._extract is not None
        return self._extract(source)


class _Worker:
    def __init__(self, actor: Any, first: Any) -> None:
        self.actor = actor
        self.answers = deque([first])


class _Actors:
    def __init__(self, ray: Any, job: Job, threads: int) -> None:
        self._ray = ray
        self._job = job
        self._environment = thread_settings(threads)
        gpus = 1 if job.device.startswith("cuda") else 0
        self._actor_class = ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        self._workers: list[_Worker] = []

    def hire(self) -> _Worker:
        actor = self._actor_class.remote()
        worker = _Worker(actor, actor.start.remote(self._job, self._environment))
        self._workers.append(worker)
        return worker

    def send(self, worker: _Worker, source: Source) -> None:
        worker.answers.append(worker.actor.extract.remote(source))

    def wait(
        self, workers: Sequence[_Worker]
    ) -> list[tuple[_Worker, Features | Refused | Event | Exception]]:
        # An actor answers in order, so only its oldest question can have an answer.
        asked = {worker.answers[0]: worker for worker in workers if worker.answers}
        answered, _ = self._ray.wait(list(asked), num_returns=1)
        return [(asked[answer], self._take(asked[answer])) for answer in answered]

    def close(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _take(self, worker: _Worker) -> Features | Refused | Event | Exception:
        exceptions = self._ray.exceptions
        try:
            event: Features | Refused | Event | Exception
            event = self._ray.get(worker.answers.popleft())
        except (exceptions.RayTaskError, exceptions.RuntimeEnvSetupError) as error:
            last = str(error).strip().rpartition("\n")[2]
            event = SiftError(f"a worker on Ray failed: {last}; is siftcore installed on it?")
        except exceptions.RayError:
            # Dead, or its machine is, or its result was lost with one.
            event = Event.LOST
            self._end(worker)
        return event

    def _end(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        self._ray.kill(worker.actor)
