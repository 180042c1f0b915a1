"""A process that is interrupted again and again, and then ends as any other.

Run as ``python -m tests.safety.interrupted N``: N interrupts of work that is all handing over to
other threads, then some of extractions; "ended" is the last thing that it prints. The last work is
of a thread that was never interrupted: a lock that the main thread kept would not stop that one.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Callable

import numba

from siftcore.kernels import _threads
from tests.safety.digests import extracted, images


def _ranges() -> list[int]:
    return _threads.for_ranges(lambda start, stop: stop - start, 40, 10)


def _handovers() -> None:
    sums = bytearray(40)

    def stage(start: int, stop: int) -> None:
        sums[start:stop] = b"\x01" * (stop - start)

    assert _ranges() == [10] * 4
    _threads.both(_ranges, _ranges)
    _threads.for_stages([stage, stage], 40, 10, 5, _threads.PARALLEL_FROM)
    assert all(sums)


def _work_for(seconds: float, work: Callable[[], object]) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    # Python only reports an interrupt that comes in a destructor, so none may be left.
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        work()
    time.sleep(0.01)


def _raises(seconds: float, work: Callable[[], object]) -> bool:
    # One call: Python 3.13 does not look for a handler at the end of a loop.
    try:
        _work_for(seconds, work)
    except KeyboardInterrupt:
        return True
    return False


def _interrupt(work: Callable[[], object], n: int, most: float) -> int:
    """Work that is interrupted `n` times, each up to `most` seconds from its start; how often."""
    moments = random.Random(0)
    return sum(_raises(moments.uniform(1e-5, most), work) for _ in range(n))


def main() -> None:
    n = int(sys.argv[1])
    # As on a machine of two processors, which hands over.
    _threads._inherited.count = 2
    image = images()[0]
    wanted = extracted(image)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    raised = _interrupt(_handovers, n, 2e-3)
    # From here on it asks Numba, whose own threads have started.
    del _threads._inherited.count
    numba.get_num_threads()
    raised += _interrupt(_threads.thread_count, n // 20, 1e-3)
    raised += _interrupt(lambda: extracted(image), n // 20, 2e-2)
    assert raised > n // 2
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    _handovers()
    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(extracted(image)), daemon=True)
    other.start()
    other.join(60.0)
    assert found == [wanted]
    print("ended")


if __name__ == "__main__":
    main()
