"""Work on the octaves of a scale space, on small ones at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from siftcore.kernels._threads import both
from siftcore.scalespace.protocol import Octave, ScaleSpace

__all__ = ["for_octaves"]

Result = TypeVar("Result")
# Samples per level. Larger octaves keep all threads busy, and two of them would take more memory.
BESIDE_UP_TO = 2**21


def for_octaves(
    space: ScaleSpace, work: Callable[[Octave], Result], keep: Callable[[Result], None]
) -> None:
    """``keep(work(octave))`` for each octave.

    While one thread works on a small octave, another makes the next one and works on that: a small
    octave is too little work for all threads. An octave is freed when its work is done.

    Parameters
    ----------
    space : ScaleSpace
    work : callable
        Called from several threads at once.
    keep : callable
        Called by one thread at a time, in any order of the octaves.
    """
    octaves = iter(space)
    lock = threading.Lock()

    def work_on(octave: Octave) -> None:
        result = work(octave)
        del octave
        with lock:
            keep(result)

    def work_on_only(waiting: list[Octave]) -> None:
        work_on(waiting.pop())

    def work_on_rest() -> None:
        for octave in octaves:
            if octave.strip is None and octave.gaussians[0].size <= BESIDE_UP_TO:
                # A list, so that neither this frame nor a closure keeps the octave alive.
                waiting = [octave]
                del octave
                both(partial(work_on_only, waiting), work_on_rest)
                return
            work_on(octave)
            del octave

    work_on_rest()
