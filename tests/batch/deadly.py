"""A job whose images do to their worker what their names say."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from siftcore import Features
from siftcore.batch.jobs import Job, Refused
from siftcore.errors import ParameterError

__all__ = ["DeadlyJob"]


@dataclass(frozen=True)
class DeadlyJob(Job):
    """Paths begin with what happens, then the number of keypoints' image width.

    ``kill`` kills each worker, ``once`` the first one (a file of that name tells), ``refuse``
    is refused. With the provider "stillborn" a worker dies before it is ready, with "unwilling"
    it says why it cannot start.
    """

    marks: str = ""

    def prepare(self) -> Callable[[str], Features | Refused]:
        if self.provider == "stillborn":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.provider == "unwilling":
            raise ParameterError("device", "gpu", "'cuda'")
        return self._do

    def _do(self, path: str) -> Features | Refused:
        what, number = path.split("-")
        mark = Path(self.marks, path)
        if what == "kill" or (what == "once" and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "refuse":
            return Refused("as it says")
        return Features.empty((int(number), 5), f"threads {os.environ['NUMBA_NUM_THREADS']}")
