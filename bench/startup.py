"""What a new process waits for: the import, and the first result with a warm kernel cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numba
import numpy as np
from PIL import Image
from skimage import data

from bench.report import Report
from bench.timing import median_ms

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
        programs = {
            name: partial(_process, code.format(path=path)) for name, code in _PROGRAMS.items()
        }
        medians = median_ms(programs, runs)
        with tempfile.TemporaryDirectory() as cache:
            cold = partial(_process, _PROGRAMS[_FIRST].format(path=path), NUMBA_CACHE_DIR=cache)
            # Once: it takes as long as all the others.
            medians |= median_ms({f"{_FIRST}, no kernel compiled yet": cold}, 1, warm=0)
    empty = medians["python -c pass"]
    for name, ms in medians.items():
        table.add(name, round(ms / 1e3, 3), round((ms - empty) / 1e3, 3))
    return report


def _process(code: str, **environment: str) -> None:
    subprocess.run([sys.executable, "-c", code], env=os.environ | environment, check=True)
