"""The main job on real photographs: a stereo pair at half size, with several providers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.photographs import motorcycle_pair, reduced
from bench.report import Report
from bench.sheets import stacked, titled
from siftcore.drawing import draw_matches
from siftcore.io.atomic import atomic_write, check_writable
from siftcore.types import Matches, MatchResult

__all__ = ["run"]

REDUCTION = 2
TOLERANCE = 2.0
# Those that take seconds; the larger networks take minutes on a CPU.
PROVIDERS = ("dog", "bicubic-x2", "bicubic-x4", "method3-x2", "method3-x4")
_WIDTH = 1600


def _judged(result: MatchResult, disparity: NDArray[np.float32], reduction: int) -> MatchResult:
    """The matches that start where the disparity is known, the correct ones as inliers.

    Correct: within `TOLERANCE` pixels, of the full-size pair, of where the true disparity puts
    the point.
    """
    # A pixel of the reduced image covers `reduction` pixels; its centre lies between them.
    shift = (reduction - 1) / 2.0
    a = reduction * result.xy_a.astype(np.float64) + shift
    b = reduction * result.xy_b.astype(np.float64) + shift
    column = np.clip(np.rint(a[:, 0]), 0, disparity.shape[1] - 1).astype(int)
    row = np.clip(np.rint(a[:, 1]), 0, disparity.shape[0] - 1).astype(int)
    true = disparity[row, column]
    known = np.isfinite(true)
    miss = np.hypot(b[:, 0] - (a[:, 0] - np.where(known, true, np.inf)), b[:, 1] - a[:, 1])
    matches = result.matches
    kept = Matches(matches.indices[known], matches.distance[known], matches.ratio[known])
    return replace(result, matches=kept, inliers=miss[known] <= TOLERANCE)


def run(out: Path, providers: Sequence[str] = ()) -> Report:
    """Match, print, draw.

    Parameters
    ----------
    out : path
        Folder for ``matches.png``; made where it is missing.
    providers : sequence of str, optional
        By default `PROVIDERS`, as far as they are available.
    """
    available = siftcore.list_providers(available_only=True)
    names = list(providers) or [name for name in PROVIDERS if name in available]
    # Where that fails, check_writable says why.
    with contextlib.suppress(OSError):
        out.mkdir(parents=True, exist_ok=True)
    target = out / "matches.png"
    check_writable(target)
    left, right, disparity = motorcycle_pair()
    small = reduced(left, REDUCTION), reduced(right, REDUCTION)
    report = Report("demo", {"threads": numba.get_num_threads(), "reduction": REDUCTION})
    height, width = small[0].shape[:2]
    table = report.table(
        f"Middlebury motorcycle pair, {width} x {height}",
        "provider", "keypoints left", "keypoints right", "matches", "correct",
        "share correct", "seconds",
    )  # fmt: skip
    pictures = []

    def measure(label: str, name: str, pair: tuple[NDArray[np.uint8], ...], factor: int) -> None:
        provider = siftcore.get_provider(name)
        # The first call compiles or loads the kernels.
        siftcore.match(pair[0][:64, :64], pair[1][:64, :64], provider=provider)
        start = time.perf_counter()
        result = siftcore.match(*pair, provider=provider)
        seconds = time.perf_counter() - start
        judged = _judged(result, disparity, factor)
        correct = int(judged.inliers.sum())
        share = correct / len(judged) if len(judged) else None
        table.add(
            label, len(result.features_a), len(result.features_b), len(result),
            correct, share, round(seconds, 3),
        )  # fmt: skip
        if factor == REDUCTION:
            title = f"{name}: {correct} of {len(judged)} matches correct"
            pictures.append(titled(draw_matches(*pair, judged), title, _WIDTH))

    for name in names:
        measure(name, name, small, REDUCTION)
    measure("dog, on the full-size pair", "dog", (left, right), 1)
    report.notes.append(
        f"Correct: within {TOLERANCE:g} px, at full size, of the true disparity; the share is of "
        "the matches where it is known. The last row is what the originals of the reduced images "
        f"give. Picture: {target}."
    )
    with atomic_write(target) as temporary:
        stacked(pictures).save(temporary, format="PNG")
    return report
