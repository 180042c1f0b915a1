"""How time and memory grow with the image: milliseconds a megapixel, peak resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

import siftcore
from bench.peak_memory import peak_memory
from bench.photographs import photographs
from bench.report import Report
from bench.timing import median_ms
from siftcore.errors import SiftError

__all__ = ["add_growth", "add_memory"]

_ASPECT = 4 / 3
# What `peak_memory` calls them.
_PROGRAMS = {"siftcore": "dog", "OpenCV": "opencv"}
# The peak of a process that extracts from a memory-map, kernels and program included.
_FROM_FILE = """
import sys
import numpy as np
import siftcore
from bench.peak_memory import peak
features = siftcore.extract(np.load(sys.argv[1], mmap_mode="r"))
print(len(features), peak() / 2**30)
"""


def add_growth(report: Report, paths: Sequence[Path], megapixels: list[float], runs: int) -> None:
    """A table of milliseconds a megapixel, and each size's share of their mean."""
    table = report.table(
        "Time a megapixel", "megapixels", "keypoints", "ms", "ms a megapixel", "over the mean"
    )
    rows = []
    for wanted in megapixels:
        height = round((1e6 * wanted / _ASPECT) ** 0.5)
        _, image = photographs(paths, round(height * _ASPECT), height)[0]
        found = siftcore.extract(image)
        repeats = runs if wanted < 10 else min(runs, 3)
        taken = median_ms({"siftcore": partial(siftcore.extract, image)}, repeats, warm=0)
        rows.append((len(found), taken["siftcore"], image.size / 1e6))
    mean = float(np.mean([ms / size for _, ms, size in rows]))
    for n, ms, size in rows:
        table.add(f"{size:.1f}", n, ms, ms / size, ms / size / mean)


def add_memory(report: Report, paths: Sequence[Path], large: int) -> None:
    """Peak memory at 1920 x 1080 beside OpenCV's, and of a large image from a memory-map."""
    _, image = photographs(paths, 1920, 1080)[0]
    table = report.table(
        "Peak memory above the input, 1920 x 1080", "program", "MiB", "over OpenCV"
    )
    found = {name: peak_memory(key, image) for name, key in _PROGRAMS.items()}
    for name, mib in found.items():
        theirs = found["OpenCV"]
        table.add(name, mib, mib / theirs if mib and theirs else None)
    if not large:
        return
    table = report.table(
        "From a memory-map, the whole process", "image", "keypoints", "peak, GiB", "seconds"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.npy"
        np.save(path, photographs(paths, large, large)[0][1])
        root = Path(__file__).resolve().parents[1]
        start = time.perf_counter()
        paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
        done = subprocess.run(
            [sys.executable, "-c", _FROM_FILE, str(path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no message"]
            raise SiftError(
                f"the process that extracts from a memory-map ended with {done.returncode}: "
                f"{said[-1]}; use a smaller --large"
            )
        n, gib = done.stdout.split()
        table.add(f"{large} x {large}, uint8", int(n), float(gib), seconds)
