"""Detection and description beside other programs: same images, same thresholds, one process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numba
import numpy as np

from bench.peers import detectors, set_threads
from bench.photographs import photographs
from bench.report import Report
from siftcore.errors import ParameterError

__all__ = ["run"]

# Programs slower than this many times ours are timed fewer times.
_SLOW = 4.0


def parse_sizes(text: str) -> list[tuple[int, int]]:
    try:
        pairs = [tuple(int(side) for side in size.split("x")) for size in text.split(",")]
    except ValueError:
        pairs = []
    if not pairs or any(len(pair) != 2 or min(pair) < 16 for pair in pairs):
        raise ParameterError("--sizes", text, "like 640x480,1920x1080, at least 16 pixels a side")
    return [(width, height) for width, height in pairs]


def run(paths: Sequence[Path], sizes: str, runs: int) -> Report:
    """Time every program on every photograph, interleaved.

    Parameters
    ----------
    paths : sequence of path
        Photographs; empty for those of scikit-image.
    sizes : str
        Comma-separated ``WIDTHxHEIGHT``.
    runs : int
        Timed runs a program, after one that is not counted.
    """
    wanted = parse_sizes(sizes)
    before = numba.get_num_threads()
    report = Report("speed", {"sizes": sizes, "runs": runs, "threads": "as in the tables"})
    try:
        for width, height in wanted:
            for threads in (1, 2) if before > 1 else (1,):
                _measure(report, photographs(paths, width, height), threads, runs)
    finally:
        set_threads(before)
    report.notes.append(
        "Medians of interleaved runs in one process; the ratio is the mean over the photographs of "
        "each program's median over OpenCV's. OpenCV with enable_precise_upscale; all with 3 "
        "scales an octave, a doubled first octave, contrast threshold 0.04/3 (in OpenCV's terms "
        "0.04), edge ratio 10, no cap. Photographs smaller than the wanted size are laid out in "
        "mirrored copies, never enlarged."
    )
    return report


def _measure(report: Report, images: list, threads: int, runs: int) -> None:
    height, width = images[0][1].shape
    table = report.table(
        f"{width} x {height}, {threads} thread{'s' if threads > 1 else ''}",
        "program", *(f"{name}: keypoints, ms" for name, _ in images), "mean ms", "over OpenCV",
    )  # fmt: skip
    set_threads(threads)
    programs = detectors(threads)
    median: dict[str, list[float]] = {name: [] for name in programs}
    counts: dict[str, list[int]] = {name: [] for name in programs}
    for _, image in images:
        times: dict[str, list[float]] = {name: [] for name in programs}
        for name, detect in programs.items():
            counts[name].append(detect(image))
        for i in range(runs):
            for name, detect in programs.items():
                slow = times[name] and times[name][0] > _SLOW * times["siftcore"][0]
                if slow and i >= 2:
                    continue
                start = time.perf_counter()
                detect(image)
                times[name].append(time.perf_counter() - start)
        for name in programs:
            median[name].append(1e3 * float(np.median(times[name])))
    for name in programs:
        ratio = None
        if "OpenCV" in programs:
            ratio = float(np.mean(np.divide(median[name], median["OpenCV"])))
        cells = (f"{n}, {ms:.1f}" for n, ms in zip(counts[name], median[name], strict=True))
        table.add(name, *cells, float(np.mean(median[name])), ratio)
