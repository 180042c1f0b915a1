"""What a new process waits for: the import, and the first result with a warm kernel cache."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numba
import numpy as np
from PIL import Image
from skimage import data

from bench.report import Report

__all__ = ["run"]

_FIRST = "import, read a 512 x 512 PNG, extract"
_PROGRAMS = {
    "python -c pass": "pass",
    "import siftcore": "import siftcore",
    _FIRST: "import siftcore; siftcore.extract({path!r})",
    "the same with OpenCV": (
        "import cv2; cv2.SIFT_create().detectAndCompute(cv2.imread({path!r}, 0), None)"
    ),
}


def run(runs: int) -> Report:
    """Time whole processes, interleaved; the first run of each is not counted."""
    report = Report("startup", {"runs": runs, "threads": numba.get_num_threads()})
    table = report.table("Seconds of a whole process", "program", "median", "less an empty one")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "camera.png")
        Image.fromarray(np.asarray(data.camera())).save(path)
        times: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
        for _ in range(runs + 1):
            for name, code in _PROGRAMS.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code.format(path=path)], check=True)
                times[name].append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as empty_cache:
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", _PROGRAMS[_FIRST].format(path=path)],
                env=os.environ | {"NUMBA_CACHE_DIR": empty_cache},
                check=True,
            )
            cold = time.perf_counter() - start
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    # Once: it takes as long as all the others.
    medians[f"{_FIRST}, no kernel compiled yet"] = cold
    empty = medians["python -c pass"]
    for name, seconds in medians.items():
        table.add(name, round(seconds, 3), round(seconds - empty, 3))
    return report
