"""Where the time of an extraction goes, and the blurs alone beside OpenCV's."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.report import Report
from bench.timing import median_ms
from siftcore.detection import assign_orientations, describe_keypoints, detect
from siftcore.image import load_image
from siftcore.kernels.blur import gaussian_blur
from siftcore.kernels.doubling import double_linearly
from siftcore.params import SiftParams
from siftcore.scalespace.dog import DogProvider
from siftcore.scalespace.gaussian import added_blur
from siftcore.scalespace.geometry import ladder_sigmas

__all__ = ["STAGES", "add_blurs", "add_stages", "first_octave_blurs", "stage_seconds"]

STAGES = ("scale space", "extrema and refinement", "orientations", "descriptors")
Photograph = tuple[str, NDArray[np.uint8]]


def stage_seconds(image: NDArray[np.uint8]) -> dict[str, float]:
    """Seconds of each stage of one extraction."""
    params = SiftParams()
    spent = dict.fromkeys(STAGES, 0.0)
    octaves = iter(DogProvider().build(load_image(image), params))
    while True:
        times = [time.perf_counter()]
        octave = next(octaves, None)
        times.append(time.perf_counter())
        if octave is None:
            return spent
        keypoints = detect(octave, params)
        times.append(time.perf_counter())
        keypoints = assign_orientations(octave, keypoints, params)
        times.append(time.perf_counter())
        describe_keypoints(octave, keypoints, params)
        times.append(time.perf_counter())
        for stage, (start, stop) in zip(STAGES, pairwise(times), strict=True):
            spent[stage] += stop - start
        # Else it would stay while the next one is made.
        del octave, keypoints


def add_stages(report: Report, images: list[Photograph], label: str, runs: int) -> None:
    """A table of milliseconds a stage, medians."""
    table = report.table(f"Stages, {label}", "stage", *(f"{name}, ms" for name, _ in images))
    medians: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for _, image in images:
        found = [stage_seconds(image) for _ in range(runs + 1)][1:]
        for stage in STAGES:
            medians[stage].append(1e3 * float(np.median([one[stage] for one in found])))
    for stage in STAGES:
        table.add(stage, *medians[stage])


def first_octave_blurs() -> list[float]:
    """Sigmas of the blurs that make the doubled octave, each from the level before."""
    ladder = ladder_sigmas(SiftParams())
    # The doubled image has the input's half pixel, twice.
    return [added_blur(ladder[0], 1.0), *(added_blur(b, a) for a, b in pairwise(ladder))]


def add_blurs(report: Report, images: list[Photograph], label: str, runs: int) -> None:
    """A table of the blurs of the doubled octave, in place, beside ``cv2.GaussianBlur``."""
    if not find_spec("cv2"):
        return
    import cv2

    sigmas = first_octave_blurs()

    def ours(source: NDArray[np.float32], sigma: float, out: NDArray[np.float32]) -> None:
        gaussian_blur(source, sigma, out=out)

    def theirs(source: NDArray[np.float32], sigma: float, out: NDArray[np.float32]) -> None:
        cv2.GaussianBlur(source, (0, 0), sigma, dst=out)

    table = report.table(
        f"Blurs of the first octave, {label}", "photograph", "siftcore, ms", "OpenCV, ms",
        "over OpenCV",
    )  # fmt: skip
    for name, image in images:
        doubled = double_linearly(load_image(image))
        stack = np.empty((len(sigmas), *doubled.shape), np.float32)
        programs = {
            name_of: partial(_cascade, blur, doubled, sigmas, stack)
            for name_of, blur in (("ours", ours), ("theirs", theirs))
        }
        median = median_ms(programs, runs)
        table.add(name, median["ours"], median["theirs"], median["ours"] / median["theirs"])


def _cascade(
    blur: Callable[[NDArray[np.float32], float, NDArray[np.float32]], None],
    source: NDArray[np.float32],
    sigmas: list[float],
    stack: NDArray[np.float32],
) -> None:
    for sigma, out in zip(sigmas, stack, strict=True):
        blur(source, sigma, out)
        source = out
