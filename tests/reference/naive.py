"""SIFT spelled out: a slow, literal mirror of the published reference program.

One small function a stage, float64, nothing but NumPy, nothing from siftcore: what a kernel
computes fast can be compared with its twin here. Follows "Anatomy of the SIFT Method" (Rey Otero
& Delbracio, IPOL 2014); algorithm numbers are that article's. `naive_detection` holds the stages
up to the border test, this file those after it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.reference.naive_detection import (
    SIGMA_MIN,
    Array,
    contrast_threshold,
    differences,
    extrema,
    is_edge,
    is_inside,
    locate,
    refine,
    scale_space,
)


@dataclass(frozen=True)
class Keypoint:
    x: float
    y: float
    sigma: float
    angle: float
    response: float


def gradients(level: Array) -> tuple[Array, Array]:
    """Central differences (d/dx, d/dy), one-sided on the border (Alg. 10)."""
    dy, dx = np.gradient(level)
    return dx, dy


def window(x: float, y: float, half_side: float, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns within half_side of (x, y), all in samples, both ends included."""
    first_row, last_row = int(max(0, y - half_side + 0.5)), int(y + half_side + 0.5)
    first_column, last_column = int(max(0, x - half_side + 0.5)), int(x + half_side + 0.5)
    rows = slice(first_row, min(last_row, height - 1) + 1)
    return rows, slice(first_column, min(last_column, width - 1) + 1)


def orientation_histogram(
    dx: Array,
    dy: Array,
    x: float,
    y: float,
    sigma: float,
    n_bins: int = 36,
    *,
    shared: bool = False,
) -> Array:
    """Votes of the gradients around (x, y); x, y, sigma in samples (Alg. 11).

    Shared: between the two nearest bins, the further one less.
    """
    spread = 1.5 * sigma
    rows, columns = window(x, y, 3 * spread, *dx.shape)
    u, v = dx[rows, columns], dy[rows, columns]
    row, column = np.mgrid[rows, columns]
    weight = np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * spread**2)) * np.hypot(u, v)
    turn = np.arctan2(v, u) % (2 * math.pi) / (2 * math.pi)
    if shared:
        bins = np.arange(n_bins)
        away = np.abs(turn.ravel()[:, None] * n_bins - bins)
        away = np.minimum(away, n_bins - away)
        return weight.ravel() @ np.maximum(1 - away, 0)
    nearest = np.floor(turn * n_bins + 0.5).astype(int) % n_bins
    return np.bincount(nearest.ravel(), weight.ravel(), minlength=n_bins)


def smooth(histogram: Array) -> Array:
    """Six passes of a circular three-bin box."""
    for _ in range(6):
        histogram = (np.roll(histogram, 1) + histogram + np.roll(histogram, -1)) / 3
    return histogram


def peaks(histogram: Array, share: float = 0.8) -> list[float]:
    """Angles of the local maxima above share of the highest, parabola through three bins.

    Bin b stands for 2 pi b / n: votes go to the nearest bin. (The program adds half a bin.)
    """
    n = len(histogram)
    found = []
    for b in range(n):
        left, centre, right = histogram[b - 1], histogram[b], histogram[(b + 1) % n]
        if centre > share * histogram.max() and centre > left and centre > right:
            offset = (left - right) / (2 * (left - 2 * centre + right))
            found.append((b + offset) % n * 2 * math.pi / n)
    return found


def descriptor_histogram(
    dx: Array, dy: Array, x: float, y: float, sigma: float, angle: float
) -> Array:
    """(4, 4, 8) trilinear votes of the turned window; x, y, sigma in samples (Alg. 12).

    Cells run right along the keypoint's angle and down across it; bins run the other way round
    than angles do (UBC's layout, which OpenCV keeps).
    """
    cell = 3 * sigma
    half = 2.5 * cell
    rows, columns = window(x, y, math.sqrt(2) * half, *dx.shape)
    row, column = np.mgrid[rows, columns]
    cos, sin = math.cos(angle), math.sin(angle)
    right = (column - x) * cos + (row - y) * sin
    down = (row - y) * cos - (column - x) * sin
    inside = np.maximum(np.abs(right), np.abs(down)) < half
    right, down = right[inside], down[inside]
    u, v = dx[rows, columns][inside], dy[rows, columns][inside]
    spread = 2 * cell
    weight = np.hypot(u, v) * np.exp(-(right**2 + down**2) / (2 * spread**2))
    i = down / cell + 1.5
    j = right / cell + 1.5
    b = (angle - np.arctan2(v, u)) % (2 * math.pi) / (2 * math.pi) * 8
    histogram = np.zeros((4, 4, 8))
    for di, dj, db in np.ndindex(2, 2, 2):
        ci, cj, cb = (np.floor(t).astype(int) + d for t, d in ((i, di), (j, dj), (b, db)))
        share = (1 - np.abs(i - ci)) * (1 - np.abs(j - cj)) * (1 - np.abs(b - cb)) * weight
        kept = (ci >= 0) & (ci < 4) & (cj >= 0) & (cj < 4)
        np.add.at(histogram, (ci[kept], cj[kept], cb[kept] % 8), share[kept])
    return histogram


def normalise(histogram: Array, clamp: float = 0.2) -> Array:
    """(128,) of norm 1, no entry above clamp before the second normalisation (Alg. 12)."""
    flat = histogram.ravel()
    norm = np.linalg.norm(flat)
    if norm == 0:
        return flat
    flat = np.minimum(flat, clamp * norm)
    return flat / np.linalg.norm(flat)


def extract(image: Array, n_scales: int = 3) -> tuple[list[Keypoint], Array]:
    """Keypoints and (n, 128) descriptors, octave by octave, as the program lists them."""
    keypoints: list[Keypoint] = []
    descriptors: list[Array] = []
    threshold = contrast_threshold(n_scales)
    for octave in scale_space(image, n_scales):
        dogs = differences(octave.gaussians)
        slopes = [gradients(level) for level in octave.gaussians]
        for extremum in extrema(dogs):
            if abs(dogs[tuple(extremum)]) <= 0.8 * threshold:
                continue
            point = refine(dogs, extremum)
            if point is None or abs(point.value) <= threshold or is_edge(dogs, point):
                continue
            x, y, sigma = locate(octave, point)
            if not is_inside(x, y, sigma, *image.shape):
                continue
            dx, dy = slopes[point.level]
            place = (x / octave.delta, y / octave.delta, sigma / octave.delta)
            for angle in peaks(smooth(orientation_histogram(dx, dy, *place))):
                keypoints.append(Keypoint(x, y, sigma, angle, abs(point.value)))
                descriptors.append(normalise(descriptor_histogram(dx, dy, *place, angle)))
    return keypoints, np.array(descriptors).reshape(-1, 128)


def describe(image: Array, keypoints: list[Keypoint]) -> Array:
    """(n, 128) descriptors of given keypoints, on the level nearest to each one's sigma."""
    octaves = list(scale_space(image))
    out = np.zeros((len(keypoints), 128))
    for k, point in enumerate(keypoints):
        scale = 3 * math.log2(point.sigma / SIGMA_MIN)
        o = min(max(math.floor((scale - 0.5) / 3), 0), len(octaves) - 1)
        octave = octaves[o]
        level = min(max(round(scale - 3 * o), 1), 3)
        dx, dy = gradients(octave.gaussians[level])
        place = (v / octave.delta for v in (point.x, point.y, point.sigma))
        out[k] = normalise(descriptor_histogram(dx, dy, *place, point.angle))
    return out


def match(a: Array, b: Array, ratio: float = 0.8, mutual: bool = True) -> list[tuple[int, int]]:
    """Nearest neighbours clearly nearer than the second, and each other's (Lowe 2004, 7.1)."""
    pairs: list[tuple[int, int]] = []
    for i, row in enumerate(a if len(b) else ()):
        distance = np.sqrt(((b - row) ** 2).sum(axis=1))
        j = int(np.argmin(distance))
        others = np.delete(distance, j)
        if len(others) and distance[j] >= ratio * others.min():
            continue
        if mutual and int(np.argmin(((a - b[j]) ** 2).sum(axis=1))) != i:
            continue
        pairs.append((i, j))
    return pairs
