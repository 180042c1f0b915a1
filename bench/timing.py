"""Medians of programs that take turns, so that what disturbs the machine falls to all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["PAUSE", "median_ms"]

# Threads of OpenMP and ONNX Runtime wait actively for a while after each call, and would slow down
# the next program.
PAUSE = 0.2


def median_ms(
    programs: Mapping[str, Callable[[], object]], runs: int, *, warm: int = 1, pause: float = 0.0
) -> dict[str, float]:
    """Median milliseconds of each program.

    Parameters
    ----------
    programs : mapping of str to callable
    runs : int
        Rounds that count.
    warm : int, default 1
        Rounds before them.
    pause : float, default 0
        Seconds before each call.
    """
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(warm + runs):
        for name, program in programs.items():
            if pause:
                time.sleep(pause)
            start = time.perf_counter()
            program()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values[warm:])) for name, values in times.items()}
