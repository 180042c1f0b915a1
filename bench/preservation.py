"""How much of the high-resolution SIFT comes back out of a low-resolution image.

Pairs of images with a known homography. The query is image K reduced by s and brought back by
each provider; the reference is image 1 at full resolution, read by `dog`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

import siftcore
from bench.photographs import reduced
from bench.report import Report
from siftcore.errors import InputError
from siftcore.types import Features

__all__ = ["Scores", "recalled", "run"]

KEYPOINT_DISTANCE = 1.5
SCALE_RATIO = 1.23
MATCH_DISTANCE = 3.0


@dataclass(frozen=True)
class Pair:
    """Image 1, image K, and the homography from 1 to K."""

    scene: str
    number: int
    reference: NDArray[np.uint8]
    query: NDArray[np.uint8]
    homography: NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Of one query.

    Attributes
    ----------
    recall : float
        Share of the high-resolution query's keypoints that a keypoint of the low-resolution one
        lies near.
    false : float
        Share of the low-resolution query's keypoints that lie near none of them.
    correct, matches : int
        Matches with the reference, and those that the homography confirms.
    """

    recall: float
    false: float
    correct: int
    matches: int


def read_pairs(folder: Path) -> Iterator[Pair]:
    """Scenes of the Oxford affine layout: ``scene/img1..6.png`` and ``H1toKp``."""
    scenes = sorted(path.parent for path in folder.glob("*/H1to2p"))
    if not scenes:
        raise InputError(f"no scene with a file H1to2p in {str(folder)!r}")
    for scene in scenes:
        reference = _read(scene, 1)
        for k in range(2, 7):
            homography = np.loadtxt(scene / f"H1to{k}p").reshape(3, 3)
            yield Pair(scene.name, k, reference, _read(scene, k), homography)


def _read(scene: Path, number: int) -> NDArray[np.uint8]:
    path = next(p for p in sorted(scene.glob(f"img{number}.*")))
    return np.rint(255.0 * siftcore.load_image(path)).astype(np.uint8)


def _on_high_grid(
    features: Features, scale: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions and sigmas of features of a reduced image, in pixels of the original."""
    return (features.xy.astype(np.float64) + 0.5) * scale - 0.5, features.sigma * float(scale)


def recalled(
    wanted_xy: NDArray[np.float64],
    wanted_sigma: NDArray[np.float64],
    xy: NDArray[np.float64],
    sigma: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Which wanted keypoints have one within 1.5 pixels and a scale ratio of 1.23."""
    if not len(wanted_xy) or not len(xy):
        return np.zeros(len(wanted_xy), bool)
    near = KDTree(xy).query_ball_point(wanted_xy, KEYPOINT_DISTANCE)
    limit = np.log(SCALE_RATIO)
    return np.array(
        [
            bool(len(j)) and bool((np.abs(np.log(sigma[j] / wanted_sigma[i])) <= limit).any())
            for i, j in enumerate(near)
        ]
    )


def _score(pair: Pair, query: Features, scale: int, high: Features, reference: Features) -> Scores:
    xy, sigma = _on_high_grid(query, scale)
    high_xy, high_sigma = _on_high_grid(high, 1)
    recall = recalled(high_xy, high_sigma, xy, sigma)
    covered = recalled(xy, sigma, high_xy, high_sigma)
    matches = siftcore.match_features(query, reference, ratio=0.8, mutual=True)
    a, b = matches.indices.T
    target = np.c_[reference.xy[b], np.ones(len(b))] @ pair.homography.T
    error = np.linalg.norm(target[:, :2] / target[:, 2:] - xy[a], axis=1)
    return Scores(
        float(recall.mean()) if len(recall) else 0.0,
        float(1.0 - covered.mean()) if len(covered) else 0.0,
        int((error <= MATCH_DISTANCE).sum()),
        len(matches),
    )


def run(data: Path, providers: Sequence[str], scale: int, budget: int) -> Report:
    """Recall and correct matches of each provider; a row for the high-resolution image itself."""
    rows: dict[str, list[Scores]] = {name: [] for name in ("high resolution", *providers)}
    made = {name: siftcore.get_provider(name) for name in providers}
    extract = siftcore.extract
    reference_of: dict[str, Features] = {}
    doubled: list[float] = []
    for pair in read_pairs(data):
        if pair.scene not in reference_of:
            reference_of[pair.scene] = extract(pair.reference, max_keypoints=budget)
        reference = reference_of[pair.scene]
        high = extract(pair.query, max_keypoints=budget)
        doubled.append(float((high.octave < 0).mean()) if len(high) else 0.0)
        low = reduced(pair.query, scale)
        rows["high resolution"].append(_score(pair, high, 1, high, reference))
        for name, provider in made.items():
            features = extract(low, provider=provider, max_keypoints=budget)
            rows[name].append(_score(pair, features, scale, high, reference))
    fine = float(np.mean(doubled))
    report = Report("preservation", {"data": data.name, "scale": scale, "keypoints": budget})
    table = report.table(
        f"Low-resolution query, x{scale}, against a high-resolution reference",
        "query",
        "recall of high-resolution keypoints",
        "false keypoints",
        "correct matches",
        "precision",
    )
    for name, scores in rows.items():
        table.add(
            name,
            float(np.mean([s.recall for s in scores])),
            float(np.mean([s.false for s in scores])),
            float(np.mean([s.correct for s in scores])),
            float(np.mean([s.correct / max(1, s.matches) for s in scores])),
        )
    report.notes.append(
        f"Means of {len(next(iter(rows.values())))} pairs. Recall: within {KEYPOINT_DISTANCE} px "
        f"and a scale ratio of {SCALE_RATIO}. Correct: within {MATCH_DISTANCE:g} px of the "
        "homography; ratio 0.8 and mutual. Of the high-resolution keypoints, "
        f"{100 * fine:.0f} % lie in the doubled first octave."
    )
    return report
