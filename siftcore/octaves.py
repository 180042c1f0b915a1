"""Going through the octaves of a scale space, small ones beside one another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from siftcore.kernels._threads import both
from siftcore.scalespace.protocol import Octave, ScaleSpace

__all__ = ["for_octaves"]

Result = TypeVar("Result")
# Samples a level. Larger octaves are shared out well, and two of them would take more memory.
BESIDE_UP_TO = 2**21


def for_octaves(
    space: ScaleSpace, work: Callable[[Octave], Result], keep: Callable[[Result], None]
) -> None:
    """``keep(work(octave))`` for each octave.

    While one thread works on a small octave, another makes the next one and works on that, because
    there is too little in them to be shared out. An octave is freed when its work is done.

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

    def done(octave: Octave) -> None:
        result = work(octave)
        del octave
        with lock:
            keep(result)

    def done_last(waiting: list[Octave]) -> None:
        done(waiting.pop())

    def on() -> None:
        for octave in octaves:
            if octave.strip is None and octave.gaussians[0].size <= BESIDE_UP_TO:
                # A list, so that neither this frame nor a closure keeps the octave alive.
                waiting = [octave]
                del octave
                both(partial(done_last, waiting), on)
                return
            done(octave)
            del octave

    on()
