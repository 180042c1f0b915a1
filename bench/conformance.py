"""Agreement with the published references, stage by stage, and with known synthetic images."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numba
import numpy as np

import siftcore
from bench.agreement import angle_difference, nearest_agreeing
from bench.golden import Golden, LoweReference, find_golden, read_golden, read_lowe
from bench.report import Report
from bench.synthetic import (
    blob_errors,
    ramp_angle_errors,
    rotation_agreement,
    turned_blob_angle_errors,
)
from siftcore.kernels.extrema import find_extrema

__all__ = ["run"]

SEED = 0
N_BLOBS = 200
# Blur that a provider assumes in its input, pixels: half a pixel of the camera's image, or of the
# super-resolved one.
ASSUMED_BLUR = {"dog": 0.5, "bicubic-x2": 0.25, "bicubic-x4": 0.125}
_STRICT = {"pixels": 0.05, "sigma_ratio": 1.01, "angle_deg": 1.0}


def _agreement(report: Report, files: list[Golden]) -> None:
    table = report.table(
        "Against the IPOL reference program (0.05 px, 1 % in sigma, 1 degree)",
        "image", "its keypoints", "ours", "its found", "ours found", "median distance, px",
        "descriptor correlation",
    )  # fmt: skip
    totals = np.zeros(4)
    distances, correlations = [], []
    for file in files:
        ours = siftcore.extract(file.image)
        mine = (ours.xy.astype(np.float64), ours.sigma.astype(np.float64), ours.angle)
        theirs = (file.xy, file.sigma, file.angle)
        forward, distance = nearest_agreeing(theirs, mine, **_STRICT)
        backward, _ = nearest_agreeing(mine, theirs, **_STRICT)
        described = siftcore.describe(file.image, file.xy, file.sigma, file.angle_as_published)
        correlation = _row_correlation(described.descriptors, file.descriptor)
        counts = len(forward), len(backward), (forward >= 0).sum(), (backward >= 0).sum()
        totals += counts
        distances.append(distance[forward >= 0])
        correlations.append(correlation)
        table.add(
            file.name, counts[0], counts[1], counts[2] / counts[0], counts[3] / counts[1],
            float(np.median(distances[-1])), float(correlation.mean()),
        )  # fmt: skip
    table.add(
        "all", int(totals[0]), int(totals[1]), totals[2] / totals[0], totals[3] / totals[1],
        float(np.median(np.concatenate(distances))), float(np.concatenate(correlations).mean()),
    )  # fmt: skip


def _row_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a = a - a.mean(axis=1, keepdims=True, dtype=np.float64)
    b = b - b.mean(axis=1, keepdims=True, dtype=np.float64)
    return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))


def _stages(report: Report, files: list[Golden]) -> None:
    """The reference's survivors of the first and the last detection stage among ours."""
    table = report.table(
        "Stage by stage: survivors of the reference that are among ours",
        "stage", "reference", "ours", "found",
    )  # fmt: skip
    params = siftcore.SiftParams(upright=True)
    provider = siftcore.get_provider("dog")
    found = {"extrema": np.zeros(3, int), "prefilter": np.zeros(3, int), "border": np.zeros(3, int)}
    for file in files:
        for stage, factor, name in (
            ("extrema", 0.0, "stage_extrema"), ("prefilter", 0.8, "contrast_prefilter"),
        ):  # fmt: skip
            reference = file.stages[name.removeprefix("stage_")]
            xy, sigma = [], []
            for octave in provider.build(file.image, params):
                threshold = np.float32(factor * params.contrast_threshold)
                samples = find_extrema(octave.gaussians, np.full(5, threshold))
                xy.append(octave.origin + octave.delta * samples[:, :0:-1])
                sigma.append(octave.sigmas[samples[:, 0]])
            ours = (np.concatenate(xy), np.concatenate(sigma), None)
            found[stage] += _survivors(reference, ours, pixels=1e-3)
        accepted = siftcore.extract(file.image, params=params)
        ours = (accepted.xy.astype(np.float64), accepted.sigma.astype(np.float64), None)
        found["border"] += _survivors(file.stages["border"], ours, pixels=0.05)
    titles = {
        "extrema": "extrema of the DoG",
        "prefilter": "contrast, first test",
        "border": "refined, contrast, edge and border tests",
    }
    for stage, (reference_count, our_count, both) in found.items():
        table.add(titles[stage], int(reference_count), int(our_count), both / reference_count)


def _survivors(reference: np.ndarray, ours: tuple, pixels: float) -> np.ndarray:
    wanted = (reference[:, :2], reference[:, 2], None)
    index, _ = nearest_agreeing(wanted, ours, pixels=pixels, sigma_ratio=1.01)
    return np.array([len(reference), len(ours[0]), (index >= 0).sum()])


def _lowe(report: Report, reference: LoweReference) -> None:
    ours = siftcore.extract(reference.grey)
    mine = (ours.xy.astype(np.float64), ours.sigma.astype(np.float64), ours.angle)
    index, _ = nearest_agreeing(
        (reference.xy, reference.sigma, None), mine, pixels=1.0, sigma_ratio=1.2
    )
    hit = index >= 0
    offset = np.median(mine[0][index[hit]] - reference.xy[hit], axis=0)
    turned, _ = nearest_agreeing(
        (reference.xy, reference.sigma, reference.angle), mine,
        pixels=1.0, sigma_ratio=1.2, angle_deg=20.0,
    )  # fmt: skip
    both = turned >= 0
    angles = angle_difference(mine[2][turned[both]], reference.angle[both])
    table = report.table(
        "Against David Lowe's program (1 px, sigma ratio 1.2)",
        "its keypoints", "ours", "its found", "median offset x, px", "median offset y, px",
        "median angle difference, degrees",
    )  # fmt: skip
    table.add(
        len(index), len(ours), float(hit.mean()), round(float(offset[0]), 4),
        round(float(offset[1]), 4), round(float(np.rad2deg(np.median(angles))), 4),
    )  # fmt: skip


def _blobs(report: Report) -> None:
    table = report.table(
        f"{N_BLOBS} blobs at random sub-pixel positions, sigma 2 to 6 px, both signs",
        "provider", "median position error, px", "mean offset x, px", "mean offset y, px",
        "median sigma error", "mean sigma error", "missed",
    )  # fmt: skip
    for provider, blur in ASSUMED_BLUR.items():
        offset, sigma_error, missed = blob_errors(provider, blur, N_BLOBS, SEED)
        table.add(
            provider, float(np.median(np.linalg.norm(offset, axis=1))),
            *(round(float(mean), 5) for mean in offset.mean(axis=0)),
            float(np.median(np.abs(sigma_error))), float(sigma_error.mean()), missed,
        )  # fmt: skip


def _angles(report: Report) -> None:
    table = report.table(
        "Angle against a known gradient direction, degrees",
        "image", "directions", "mean error", "largest error",
    )  # fmt: skip
    linear = siftcore.SiftParams(orientation_votes="linear")
    for name, errors_of in (("ramp", ramp_angle_errors), ("turned blob", turned_blob_angle_errors)):
        for votes, params in (("", None), (", linear votes", linear)):
            errors = errors_of(720, params)
            table.add(name + votes, len(errors), float(errors.mean()), float(np.abs(errors).max()))
    report.notes.append(
        "On a perfect ramp all votes fall into one bin of 10 degrees, so single angles are off by "
        "up to 5 degrees, as in every SIFT that votes for the nearest bin; the mean has no bias. "
        '`orientation_votes="linear"` shares each vote between two bins.'
    )


def _rotation(report: Report, files: list[Golden]) -> None:
    table = report.table(
        "Turned by 90 degrees (0.1 px, 1 degree), sides cut to 32 n + 1",
        "image", "size", "keypoints", "turned with it",
    )  # fmt: skip
    totals = np.zeros(2, int)
    for file in files:
        height, width = (32 * ((side - 1) // 32) + 1 for side in file.grey.shape)
        hits, n = rotation_agreement(np.ascontiguousarray(file.grey[:height, :width]))
        totals += hits, n
        table.add(file.name, f"{width} x {height}", n, hits / n)
    table.add("all", None, int(totals[1]), totals[0] / totals[1])
    report.notes.append(
        "What does not turn with the image lies at its right and lower borders, where the doubled "
        "image ends half a sample later than it begins, as the reference program has it."
    )


def _determinism(report: Report, files: list[Golden]) -> None:
    table = report.table("Same bytes out", "runs", "threads", "different results")
    before = numba.get_num_threads()
    counts = [1, 2] if before > 1 else [1]
    results = set()
    try:
        for threads in counts:
            numba.set_num_threads(threads)
            for _ in range(10):
                digest = hashlib.sha256()
                a, b = (siftcore.extract(file.image) for file in files[:2])
                matches = siftcore.match_features(a, b, ratio=0.9)
                for array in (a.xy, a.sigma, a.angle, a.response, a.descriptors, matches.indices,
                              matches.distance):  # fmt: skip
                    digest.update(array.tobytes())
                results.add(digest.hexdigest())
    finally:
        numba.set_num_threads(before)
    table.add(10 * len(counts), " and ".join(map(str, counts)), len(results))


def run(golden: Path | None = None) -> Report:
    """Measure all of it.

    Parameters
    ----------
    golden : path, optional
        Folder of golden files; by default ``../shared/golden``, else the four of the tests.
    """
    folder = find_golden(golden)
    files = read_golden(folder)
    report = Report(
        "conformance",
        {"golden files": len(files), "threads": numba.get_num_threads(), "seed": SEED},
    )
    _agreement(report, files)
    _stages(report, files)
    lowe = read_lowe(folder)
    if lowe is None:
        report.notes.append("Lowe's reference (lowe/box.sift) is not at hand: left out.")
    else:
        _lowe(report, lowe)
    _blobs(report)
    _angles(report)
    _rotation(report, files)
    _determinism(report, files)
    return report
