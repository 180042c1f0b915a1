"""Exact two nearest neighbours beside those of other programs, on descriptors of a real pair."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.photographs import motorcycle_pair
from bench.report import Report
from bench.timing import PAUSE, median_ms
from siftcore.descriptor_layouts import bytes_from_unit
from siftcore.kernels.nearest import Nearest, nearest_two

__all__ = ["add_approximate", "add_matching", "descriptors"]

Array = NDArray[np.float32]
# OpenCV needs minutes beyond.
_MOST_FOR_OPENCV = 20_000
# pycolmap takes over a second for these.
_MOST_FOR_PYCOLMAP = 2_000


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


def _programs(threads: int, a: Array, b: Array) -> dict[str, Callable[[], Any]]:
    programs: dict[str, Callable[[], Any]] = {"siftcore": lambda: nearest_two(a, b)}
    if find_spec("faiss"):
        import faiss

        faiss.omp_set_num_threads(threads)

        def flat() -> Any:
            index = faiss.IndexFlatL2(a.shape[1])
            index.add(b)
            return index.search(a, 2)

        programs["FAISS flat"] = flat
    if find_spec("cv2") and len(a) <= _MOST_FOR_OPENCV:
        import cv2

        programs["OpenCV BFMatcher"] = lambda: cv2.BFMatcher(cv2.NORM_L2).knnMatch(a, b, 2)
    if find_spec("pycolmap") and len(a) <= _MOST_FOR_PYCOLMAP:
        programs["pycolmap"] = _pycolmap(threads, a, b)
    return programs


def _pycolmap(threads: int, a: Array, b: Array) -> Callable[[], Any]:
    """Its exact search on a CPU: ratio and mutual tests included, on descriptors of 8 bits."""
    import pycolmap

    pycolmap.logging.minloglevel = 1
    options = pycolmap.FeatureMatchingOptions()
    options.use_gpu = False
    options.num_threads = threads
    options.sift.cpu_brute_force_matcher = True
    matcher = pycolmap.FeatureMatcher.create(options, pycolmap.Device.cpu)
    kind = pycolmap.FeatureExtractorType.SIFT
    of_a, of_b = (
        pycolmap.FeatureDescriptors(type=kind, data=bytes_from_unit(rows)) for rows in (a, b)
    )
    return lambda: matcher.match(None, of_a, None, of_b)


def add_approximate(report: Report, sizes: list[int]) -> None:
    """A table of the approximate search beside the exact one, each timed once."""
    if not sizes or not find_spec("faiss"):
        return
    table = report.table(
        "Approximate matching, all threads", "descriptors", "exact, ms", "approximate, ms",
        "over the exact", "recall of the nearest",
    )  # fmt: skip
    for n in sizes:
        exact, approximate, recall = _approximate(*descriptors(n))
        table.add(str(n), exact, approximate, approximate / exact, recall)


def _approximate(a: Array, b: Array) -> tuple[float, float, float]:
    """Milliseconds of the exact and of the approximate search, and the recall of the latter."""
    from siftcore.approximate import nearest_two_approximately

    found = {}

    def search(name: str, nearest: Callable[[Array, Array], Nearest]) -> None:
        found[name] = nearest(a, b).indices[:, 0]

    programs = {
        "exact": lambda: search("exact", nearest_two),
        "approximate": lambda: search("approximate", nearest_two_approximately),
    }
    taken = median_ms(programs, 1, warm=0, pause=PAUSE)
    recall = float((found["exact"] == found["approximate"]).mean())
    return taken["exact"], taken["approximate"], recall


def add_matching(report: Report, sizes: list[int], threads: int, runs: int) -> None:
    """A table of milliseconds by number of descriptors, interleaved medians.

    siftcore and pycolmap find the nearest of both directions, as mutual matching needs; the others
    those of one.
    """
    table = report.table(
        f"Matching, {threads} thread{'s' if threads > 1 else ''}",
        "descriptors", "siftcore, ms", "FAISS flat, ms", "OpenCV BFMatcher, ms", "pycolmap, ms",
        "over FAISS", "over OpenCV", "over pycolmap",
    )  # fmt: skip
    for n in sizes:
        programs = _programs(threads, *descriptors(n))
        # Where a search takes seconds, the first run is as good as another.
        short = n <= _MOST_FOR_OPENCV
        median = median_ms(programs, runs if short else 1, warm=int(short), pause=PAUSE)
        ours = median["siftcore"]
        others = [median.get(name) for name in ("FAISS flat", "OpenCV BFMatcher", "pycolmap")]
        table.add(str(n), ours, *others, *(ours / ms if ms else None for ms in others))
