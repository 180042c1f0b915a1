"""The picture of the README: a small image against a large one, with two scale spaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import siftcore
from bench.photographs import reduced
from bench.report import Report
from bench.sheets import stacked, titled
from siftcore.drawing import draw_matches
from siftcore.errors import MissingDependencyError
from siftcore.io.atomic import atomic_write, check_writable
from siftcore.types import MatchResult

__all__ = ["reference_view", "run"]

REDUCTION = 4
TOLERANCE = 2.0
TITLES = {
    "dog": "{small} pixels against {large}: classical SIFT (dog), {correct} correct matches",
    "method3-x4": "The same two, the small one through method3-x4: {correct} correct matches",
}
_WIDTH = 1240
# Enough to look like a photograph, few enough that the file stays small.
_COLOURS = 256


def reference_view(
    image: NDArray[np.uint8], degrees: float = 15.0, zoom: float = 0.85
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The image as from another place: turned about its centre, smaller, tilted.

    Returns
    -------
    view : ndarray, of the image's shape, uint8
        Black outside the image.
    homography : ndarray, (3, 3)
        From pixels of the image to those of the view, centres at integers.
    """
    height, width = image.shape[:2]
    angle = np.deg2rad(degrees)
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.eye(3)
    middle[:2, :2] = turn
    middle[2, :2] = 2e-4, 1e-4
    there = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    homography = there @ middle @ np.linalg.inv(there)
    # Pillow's pixels have their corners at integers.
    corner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    back = corner @ np.linalg.inv(homography) @ np.linalg.inv(corner)
    view = Image.fromarray(image).transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        (back / back[2, 2]).ravel()[:8].tolist(),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(view), homography / homography[2, 2]


def judged(result: MatchResult, homography: NDArray[np.float64], reduction: int) -> MatchResult:
    """The result with those matches as inliers that are within `TOLERANCE` pixels of the truth."""
    full = reduction * result.xy_a.astype(np.float64) + (reduction - 1) / 2.0
    mapped = np.column_stack([full, np.ones(len(full))]) @ homography.T
    miss = np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - result.xy_b, axis=1)
    return replace(result, inliers=miss <= TOLERANCE)


def run(out: Path) -> Report:
    """Match, print, draw.

    Parameters
    ----------
    out : path
        The PNG file to write.

    Raises
    ------
    MissingDependencyError
        Without torch.
    """
    info = siftcore.provider_info("method3-x4")
    if not info.available:
        raise MissingDependencyError(str(info.missing), f"provider {info.name!r}", info.extra)
    check_writable(out)
    original = data.rocket()
    view, homography = reference_view(original)
    small = reduced(original, REDUCTION)
    report = Report("why", {"reduction": REDUCTION, "tolerance": TOLERANCE})
    sizes = {"small": _size(small), "large": _size(view)}
    table = report.table(
        f"scikit-image's rocket at {sizes['small']} against another view of {sizes['large']}",
        "small image", "provider", "its keypoints", "matches", "correct",
    )  # fmt: skip
    pictures = []
    for provider, title in TITLES.items():
        result = judged(
            siftcore.match(small, view, provider=(provider, "dog")), homography, REDUCTION
        )
        correct = int(np.count_nonzero(result.inliers))
        table.add(sizes["small"], provider, len(result.features_a), len(result), correct)
        lines = draw_matches(small, view, result)
        pictures.append(titled(lines, title.format(correct=correct, **sizes), _WIDTH, 30))
    full = judged(siftcore.match(original, view), homography, 1)
    correct = int(np.count_nonzero(full.inliers))
    table.add(f"{_size(original)}, the original", "dog", len(full.features_a), len(full), correct)
    report.notes.append(
        f"Correct: within {TOLERANCE:g} px of where the known homography puts the point. "
        f"Picture: {out}. Photograph: SpaceX, in the public domain (`skimage.data.rocket`)."
    )
    with atomic_write(out) as temporary:
        sheet = stacked(pictures).quantize(_COLOURS, dither=Image.Dither.NONE)
        sheet.save(temporary, format="PNG", optimize=True)
    return report


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
