"""Exact two nearest neighbours beside OpenCV's and FAISS's, on descriptors of a photograph pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.photographs import motorcycle_pair
from bench.report import Report
from siftcore.kernels.nearest import nearest_two

__all__ = ["add_approximate", "add_matching", "descriptors"]

Array = NDArray[np.float32]
# OpenCV needs minutes beyond.
_MOST_FOR_OPENCV = 20_000
# FAISS's threads wait actively for a while after each search, and would slow down the next program.
_PAUSE = 0.2


def descriptors(n: int, seed: int = 0) -> tuple[Array, Array]:
    """`n` descriptors of either image of a pair in random order, noisy where repeated."""
    params = siftcore.SiftParams(contrast_threshold=0.001, edge_ratio=100.0)
    rng = np.random.default_rng(seed)
    found = []
    for image in motorcycle_pair()[:2]:
        all_of_it = siftcore.extract(image, params=params).descriptors
        rows = all_of_it[rng.permutation(np.resize(np.arange(len(all_of_it)), n))]
        if n > len(all_of_it):
            rows = np.abs(rows + rng.normal(0.0, 0.02, rows.shape).astype(np.float32))
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        found.append(np.ascontiguousarray(rows, np.float32))
    return found[0], found[1]


def _programs(threads: int, n: int) -> dict[str, Callable[[Array, Array], Any]]:
    programs: dict[str, Callable[[Array, Array], Any]] = {"siftcore": nearest_two}
    if find_spec("faiss"):
        import faiss

        faiss.omp_set_num_threads(threads)

        def flat(a: Array, b: Array) -> Any:
            index = faiss.IndexFlatL2(a.shape[1])
            index.add(b)
            return index.search(a, 2)

        programs["FAISS flat"] = flat
    if find_spec("cv2") and n <= _MOST_FOR_OPENCV:
        import cv2

        programs["OpenCV BFMatcher"] = lambda a, b: cv2.BFMatcher(cv2.NORM_L2).knnMatch(a, b, 2)
    return programs


def add_approximate(report: Report, sizes: list[int], runs: int) -> None:
    """A table of `siftcore.match_features` with ``approximate=True`` beside the exact search."""
    if not sizes or not find_spec("faiss"):
        return
    from siftcore.approximate import nearest_two_approximately

    table = report.table(
        "Approximate matching, all threads", "descriptors", "exact, ms", "approximate, ms",
        "over the exact", "recall of the nearest",
    )  # fmt: skip
    for n in sizes:
        a, b = descriptors(n)
        found, seconds = {}, {}
        for search in (nearest_two, nearest_two_approximately):
            times = []
            for _ in range(runs):
                time.sleep(_PAUSE)
                start = time.perf_counter()
                found[search] = search(a, b)
                times.append(1e3 * (time.perf_counter() - start))
            seconds[search] = float(np.median(times))
        exact, approximate = seconds.values()
        nearest, guessed = (one.indices[:, 0] for one in found.values())
        recall = float((nearest == guessed).mean())
        table.add(str(n), exact, approximate, approximate / exact, recall)


def add_matching(report: Report, sizes: list[int], threads: int, runs: int) -> None:
    """A table of milliseconds by number of descriptors, interleaved medians.

    ``siftcore`` finds the nearest of both directions, as mutual matching needs; the others those of
    one.
    """
    table = report.table(
        f"Matching, {threads} thread{'s' if threads > 1 else ''}",
        "descriptors", "siftcore, ms", "FAISS flat, ms", "OpenCV BFMatcher, ms", "over FAISS",
        "over OpenCV",
    )  # fmt: skip
    for n in sizes:
        a, b = descriptors(n)
        programs = _programs(threads, n)
        times: dict[str, list[float]] = {name: [] for name in programs}
        # Where a search takes seconds, the first run is as good as another.
        n_warm = 1 if n <= _MOST_FOR_OPENCV else 0
        for _ in range(runs + n_warm if n_warm else 1):
            for name, program in programs.items():
                time.sleep(_PAUSE)
                start = time.perf_counter()
                program(a, b)
                times[name].append(time.perf_counter() - start)
        median = {name: 1e3 * float(np.median(values[n_warm:])) for name, values in times.items()}
        ours = median["siftcore"]
        others = [median.get(name) for name in ("FAISS flat", "OpenCV BFMatcher")]
        table.add(str(n), ours, *others, *(ours / ms if ms else None for ms in others))
