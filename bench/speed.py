"""Detection and description beside other programs: same images, same thresholds, one process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numba
import numpy as np

from bench.growth import add_growth, add_memory
from bench.matching_speed import add_approximate, add_matching
from bench.peers import detectors, set_threads
from bench.photographs import photographs
from bench.report import Report
from bench.roofline import add_roofline
from bench.stage_times import add_blurs, add_stages
from bench.timing import median_ms
from siftcore.errors import ParameterError

__all__ = ["PARTS", "parse_sizes", "run"]

PARTS = ("programs", "stages", "blurs", "roofline", "matching", "growth", "memory")

# pycolmap and scikit-image take several times as long.
_RUNS_OF_SLOW = 2
# scikit-image needs minutes for more samples, and tens of gigabytes.
_LARGEST_FOR_SKIMAGE = 3_000_000
# Descriptors from which approximate matching is measured too.
_LARGE = 20_000


def parse_sizes(text: str) -> list[tuple[int, int]]:
    """``WIDTHxHEIGHT`` with commas between, as (width, height) in pixels.

    Raises
    ------
    ParameterError
        When it is something else, or a side has fewer than 16 pixels.
    """
    try:
        pairs = [tuple(int(side) for side in size.split("x")) for size in text.split(",")]
    except ValueError:
        pairs = []
    if not pairs or any(len(pair) != 2 or min(pair) < 16 for pair in pairs):
        raise ParameterError("--sizes", text, "like 640x480,1920x1080, at least 16 pixels a side")
    return [(width, height) for width, height in pairs]


def parse_numbers(option: str, text: str) -> list[float]:
    """Positive numbers with commas between; `ParameterError` names `option` for all else."""
    try:
        numbers = [float(number) for number in text.split(",") if number.strip()]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) <= 0 or not np.isfinite(numbers).all():
        raise ParameterError(option, text, "positive numbers with commas between")
    return numbers


def run(
    paths: Sequence[Path],
    sizes: str,
    runs: int,
    parts: Sequence[str] = PARTS,
    descriptors: str = "2000",
    megapixels: str = "0.3,2",
    large: int = 0,
) -> Report:
    """Time every program on every photograph, interleaved, and the parts of ours.

    Parameters
    ----------
    paths : sequence of path
        Photographs; empty for those of scikit-image.
    sizes : str
        Comma-separated ``WIDTHxHEIGHT``.
    runs : int
        Timed runs a program, after one that is not counted.
    parts : sequence of str
        Of `PARTS`, what is measured.
    descriptors : str
        How many are matched, comma-separated.
    megapixels : str
        Sizes of the images of "growth".
    large : int
        Side of the image of "memory" that comes from a file; 0 leaves it out.
    """
    for part in parts:
        if part not in PARTS:
            raise ParameterError("--parts", part, f"one of {', '.join(PARTS)}")
    wanted = parse_sizes(sizes)
    counts = [int(n) for n in parse_numbers("--descriptors", descriptors)]
    areas = parse_numbers("--megapixels", megapixels)
    before = numba.get_num_threads()
    settings = {
        "sizes": sizes, "runs": runs, "threads": "as in the tables", "parts": ",".join(parts),
        "descriptors": descriptors, "megapixels": megapixels, "large": large,
    }  # fmt: skip
    report = Report("speed", settings)
    all_threads = (1, 2) if before > 1 else (1,)
    try:
        for width, height in wanted:
            images = photographs(paths, width, height)
            for threads in all_threads:
                label = f"{width} x {height}, {threads} thread{'s' if threads > 1 else ''}"
                set_threads(threads)
                if "programs" in parts:
                    _measure(report, images, label, threads, runs)
                if "stages" in parts:
                    add_stages(report, images, label, runs)
                if "blurs" in parts:
                    add_blurs(report, images, label, runs)
                if "roofline" in parts:
                    add_roofline(report, images[0][1], label, threads, runs)
        for threads in all_threads if "matching" in parts else ():
            set_threads(threads)
            add_matching(report, counts, threads, runs)
        if "matching" in parts:
            set_threads(before)
            add_approximate(report, [n for n in counts if n >= _LARGE])
    finally:
        set_threads(before)
    if "growth" in parts:
        add_growth(report, paths, areas, runs)
    if "memory" in parts:
        add_memory(report, paths, large)
    report.notes.append(
        "Medians of runs in one process, siftcore and OpenCV by turns; the ratio is the mean over "
        "the photographs of each program's median over OpenCV's. OpenCV with "
        "enable_precise_upscale; all with 3 scales an octave, a doubled first octave, contrast "
        "threshold 0.04/3 (in OpenCV's terms 0.04), edge ratio 10, no cap. Photographs smaller "
        "than the wanted size are laid out in mirrored copies, never enlarged. Matching: two "
        "nearest neighbours of real descriptors, exactly; siftcore's time has both directions in "
        "it, the others' one. Time a megapixel is with all threads; images from 33 megapixels on "
        "are worked on in strips."
    )
    return report


def _measure(report: Report, images: list, label: str, threads: int, runs: int) -> None:
    table = report.table(
        label,
        "program", *(f"{name}: keypoints, ms" for name, _ in images), "mean ms", "over OpenCV",
    )  # fmt: skip
    programs = detectors(threads)
    if images[0][1].size > _LARGEST_FOR_SKIMAGE:
        programs.pop("scikit-image", None)
    median: dict[str, list[float]] = {name: [] for name in programs}
    counts: dict[str, list[int]] = {name: [] for name in programs}
    for _, image in images:
        calls = {name: partial(detect, image) for name, detect in programs.items()}
        for name in ("pycolmap", "scikit-image", "OpenCV", "siftcore"):
            if name in programs:
                counts[name].append(calls[name]())
        # The slow ones come last: what they leave in caches and memory would fall to the next.
        fast = {name: calls.pop(name) for name in ("siftcore", "OpenCV") if name in calls}
        taken = median_ms(fast, runs, warm=0)
        taken |= median_ms(calls, min(runs, _RUNS_OF_SLOW), warm=0)
        for name in programs:
            median[name].append(taken[name])
    for name in programs:
        ratio = None
        if "OpenCV" in programs:
            ratio = float(np.mean(np.divide(median[name], median["OpenCV"])))
        cells = (f"{n}, {ms:.1f}" for n, ms in zip(counts[name], median[name], strict=True))
        table.add(name, *cells, float(np.mean(median[name])), ratio)
