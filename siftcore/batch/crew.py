"""Workers that may die at any time, and the images that are shared out among them.

Each worker has a short queue of its own and answers in its order. So when one dies, it is known
which image it was working on: that one is tried once more, and refused when it costs a second
worker. The others of its queue go to another worker and are not suspected.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from siftcore.batch.jobs import Refused, Results, Source, Task
from siftcore.errors import SiftError

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["Crew", "Event", "run_crew"]

# One image in work and one that waits, so that a worker never waits for its next one. It also
# bounds what is in memory.
_QUEUE = 2
_KILLED = "its worker died twice: killed, or out of memory; try it alone, or with fewer workers"


class Event(Enum):
    """What a worker reports that is not a result."""

    READY = "ready"
    LOST = "lost"


W = TypeVar("W", bound=Hashable)


class Crew(Protocol, Generic[W]):
    """Where workers come from.

    A worker's first event is `Event.READY`, or an exception that no other worker would be spared.
    """

    def hire(self) -> W:
        """Start a worker, without waiting for it."""

    def send(self, worker: W, source: Source) -> None:
        """Queue an image. Nothing happens if the worker is dead; `wait` will say so."""

    def wait(self, workers: Sequence[W]) -> list[tuple[W, Features | Refused | Event | Exception]]:
        """Wait until something is to be told, and take one event of each worker that has one."""

    def close(self) -> None:
        """End all workers, whatever they are doing."""


def run_crew(crew: Crew[W], tasks: Sequence[Task], count: int) -> Results:
    """Do all tasks with `count` workers, in any order; each is answered exactly once.

    Raises
    ------
    SiftError
        When workers cannot start.
    """
    backlog = deque(tasks)
    queues: dict[W, deque[Task]] = {}
    ready: dict[W, None] = {}
    suspects: set[int] = set()
    failed_starts = 0
    try:
        while backlog or any(queues.values()):
            while len(queues) < min(count, len(backlog) + sum(map(bool, queues.values()))):
                queues[crew.hire()] = deque()
            _share_out(crew, backlog, {worker: queues[worker] for worker in ready})
            for worker, event in crew.wait(list(queues)):
                if event is Event.READY:
                    ready[worker] = None
                    failed_starts = 0
                elif event is Event.LOST:
                    queue = queues.pop(worker)
                    if worker not in ready:
                        failed_starts += 1
                        _check_starts(failed_starts, count)
                        continue
                    del ready[worker]
                    if queue:
                        suspect = queue.popleft()
                        backlog.extendleft(reversed(queue))
                        if suspect[0] in suspects:
                            yield suspect[0], Refused(_KILLED)
                        else:
                            suspects.add(suspect[0])
                            backlog.append(suspect)
                elif isinstance(event, Exception):
                    raise event
                else:
                    yield queues[worker].popleft()[0], event
    finally:
        crew.close()


def _share_out(crew: Crew[W], backlog: deque[Task], queues: dict[W, deque[Task]]) -> None:
    # Level by level, so that the last images of a run are spread over all workers.
    for length in range(1, _QUEUE + 1):
        for worker, queue in queues.items():
            if backlog and len(queue) < length:
                task = backlog.popleft()
                queue.append(task)
                crew.send(worker, task[1])


def _check_starts(failed: int, count: int) -> None:
    if failed > count + 1:
        raise SiftError(
            f"{failed} workers died before their first image: killed, or out of memory; use fewer "
            "workers or more memory"
        )
