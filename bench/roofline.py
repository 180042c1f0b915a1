"""What blurs and detection must move and compute, and what this machine can at best.

Source: Williams, Waterman & Patterson 2009, "Roofline".
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.report import Report
from bench.stage_times import STAGES, first_octave_blurs, stage_seconds
from siftcore.kernels._blocks import FLOATS
from siftcore.kernels._products import nearness_block
from siftcore.kernels._threads import for_ranges
from siftcore.kernels.blur import gaussian_taps

__all__ = ["add_roofline"]

_COPIED = 2**26
_LENGTH = 128
_REPEATS = 20_000
# All octaves have this many times the samples of the first.
_OCTAVES = 4 / 3


@njit(nogil=True)
def _multiply(rows, panel, edges, largest, times):  # type: ignore[no-untyped-def]
    for _ in range(times):
        nearness_block(rows, 0, edges, 0, _LENGTH, panel, 0, edges, 0, largest, 0, 0, largest, 0)


def _best(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _bandwidth(runs: int) -> float:
    """Bytes read and written a second by a copy that fits no cache."""
    source = np.ones(_COPIED, np.float32)
    target = np.zeros_like(source)

    def copy(start: int, stop: int) -> None:
        np.copyto(target[start:stop], source[start:stop])

    return 2 * source.nbytes / _best(lambda: for_ranges(copy, _COPIED, _COPIED // 64), runs)


def _arithmetic(threads: int, runs: int) -> float:
    """Operations a second of fused multiply-adds on registers; one counts two."""
    n_rows, n_columns = FLOATS.rows, FLOATS.columns
    rows, panel = (np.ones(_LENGTH * n, np.float32) for n in (n_rows, n_columns))
    edges = np.zeros(n_columns, np.float32)

    def multiply(start: int, stop: int) -> None:
        largest = np.zeros(FLOATS.lanes * max(n_rows, FLOATS.vectors), np.float32)
        _multiply(rows, panel, edges, largest, _REPEATS)

    seconds = _best(lambda: for_ranges(multiply, threads, 1), runs)
    return 2.0 * threads * _REPEATS * _LENGTH * n_rows * n_columns / seconds


def add_roofline(
    report: Report, image: NDArray[np.uint8], label: str, threads: int, runs: int
) -> None:
    """A table of least and measured milliseconds of the two stages that read every sample."""
    bandwidth, peak = _bandwidth(runs), _arithmetic(threads, runs)
    sigmas = first_octave_blurs()
    radii = [len(gaussian_taps(sigma)) - 1 for sigma in sigmas]
    samples, n_levels = 4.0 * image.size, len(sigmas)
    # A pass folds 2 r neighbours into r sums, multiplies the centre and adds r products.
    blur_operations = samples * sum(2 * (3 * radius + 1) for radius in radii)
    work = {
        # Each level read once and written once.
        STAGES[0]: (_OCTAVES * samples * 8 * n_levels, _OCTAVES * blur_operations),
        # Every level read once; a difference, and eight neighbours for largest and smallest.
        STAGES[1]: (
            _OCTAVES * samples * 4 * n_levels,
            _OCTAVES * samples * 17 * (n_levels - 3),
        ),
    }
    found = [stage_seconds(image) for _ in range(runs + 1)][1:]
    table = report.table(
        f"Roofline, {label}", "stage", "MB", "Mflop", "least, ms", "bound by", "measured, ms",
        "over the least",
    )  # fmt: skip
    for stage, (moved, operations) in work.items():
        by_bytes, by_operations = 1e3 * moved / bandwidth, 1e3 * operations / peak
        least = max(by_bytes, by_operations)
        measured = 1e3 * float(np.median([one[stage] for one in found]))
        bound = "bandwidth" if by_bytes > by_operations else "arithmetic"
        table.add(stage, moved / 1e6, operations / 1e6, least, bound, measured, measured / least)
    table.add("the machine, GB/s and Gflop/s", bandwidth / 1e9, peak / 1e9, *[None] * 4)
