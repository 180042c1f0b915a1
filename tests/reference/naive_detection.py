"""The first half of the mirror in `naive`: from the image to located extrema.

Array indices are (level, row, column); `x` is the column and `y` the row, in pixels of the input
image.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SIGMA_MIN = 0.8
INPUT_BLUR = 0.5
MIN_OCTAVE_SIZE = 12
MAX_OCTAVES = 8
CONTRAST = 0.04 / 3
EDGE_RATIO = 10.0
MAX_OFFSET = 0.6
MAX_FITS = 5


@dataclass(frozen=True)
class Octave:
    gaussians: Array
    sigmas: Array
    delta: float


@dataclass(frozen=True)
class Refined:
    """An extremum whose quadratic fit was accepted at sample (level, row, column)."""

    level: int
    row: int
    column: int
    offset: Array
    value: float


def mirror(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Indices past a border come back, with the edge sample repeated: ..1 0 | 0 1..."""
    index = index % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)


def double(image: Array) -> Array:
    """Linear interpolation at half-pixel steps; sample (i, j) lies at (i/2, j/2) (Alg. 2)."""
    for axis in (0, 1):
        size = image.shape[axis]
        position = np.arange(2 * size)
        left = np.take(image, mirror(position // 2, size), axis)
        right = np.take(image, mirror((position + 1) // 2, size), axis)
        image = (left + right) / 2
    return image


def blur(image: Array, sigma: float) -> Array:
    """Sampled Gaussian of radius ceil(4 sigma), normalised, rows and columns (Alg. 1)."""
    radius = math.ceil(4 * sigma)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    for axis in (0, 1):
        size = image.shape[axis]
        out = np.zeros_like(image)
        for tap, shift in zip(taps, range(-radius, radius + 1), strict=True):
            out += tap * np.take(image, mirror(np.arange(size) + shift, size), axis)
        image = out
    return image


def octave_count(height: int, width: int) -> int:
    """Of the doubled image; the smallest octave's short side has at least 12 samples."""
    fit = math.floor(math.log2(2 * min(height, width) / MIN_OCTAVE_SIZE)) + 1
    return min(MAX_OCTAVES, fit)


def scale_space(image: Array, n_scales: int = 3) -> Iterator[Octave]:
    """Octaves, finest first: n_scales + 3 Gaussians each (Alg. 1)."""
    delta = 0.5
    extra = math.sqrt(SIGMA_MIN**2 - INPUT_BLUR**2) / delta
    first = blur(double(image.astype(np.float64)), extra)
    for o in range(octave_count(*image.shape)):
        sigmas = SIGMA_MIN * 2.0**o * 2.0 ** (np.arange(n_scales + 3) / n_scales)
        levels = [first]
        for previous, sigma in itertools.pairwise(sigmas):
            levels.append(blur(levels[-1], math.sqrt(sigma**2 - previous**2) / delta))
        yield Octave(np.stack(levels), sigmas, delta)
        height, width = first.shape[0] // 2, first.shape[1] // 2
        first = levels[n_scales][::2, ::2][:height, :width]
        delta *= 2


def differences(gaussians: Array) -> Array:
    return gaussians[1:] - gaussians[:-1]


def extrema(dogs: Array) -> NDArray[np.int64]:
    """(n, 3) samples strictly above or strictly below all 26 neighbours (Alg. 4)."""
    levels, height, width = dogs.shape
    centre = dogs[1:-1, 1:-1, 1:-1]
    above = np.ones(centre.shape, bool)
    below = np.ones(centre.shape, bool)
    for s, i, j in np.ndindex(3, 3, 3):
        if (s, i, j) == (1, 1, 1):
            continue
        neighbour = dogs[s : s + levels - 2, i : i + height - 2, j : j + width - 2]
        above &= centre > neighbour
        below &= centre < neighbour
    return np.argwhere(above | below) + 1


def contrast_threshold(n_scales: int = 3) -> float:
    """Neighbouring levels that lie closer together differ by less."""
    return CONTRAST * (2 ** (1 / n_scales) - 1) / (2 ** (1 / 3) - 1)


def fit(dogs: Array, level: int, row: int, column: int) -> tuple[Array, float]:
    """Offset (level, row, column) and value of the quadratic through a sample (Alg. 7)."""
    d = dogs[level - 1 : level + 2, row - 1 : row + 2, column - 1 : column + 2]
    c = d[1, 1, 1]
    gradient = np.array([d[2, 1, 1] - d[0, 1, 1], d[1, 2, 1] - d[1, 0, 1], d[1, 1, 2] - d[1, 1, 0]])
    gradient /= 2
    ss = d[2, 1, 1] + d[0, 1, 1] - 2 * c
    ii = d[1, 2, 1] + d[1, 0, 1] - 2 * c
    jj = d[1, 1, 2] + d[1, 1, 0] - 2 * c
    si = (d[2, 2, 1] - d[2, 0, 1] - d[0, 2, 1] + d[0, 0, 1]) / 4
    sj = (d[2, 1, 2] - d[2, 1, 0] - d[0, 1, 2] + d[0, 1, 0]) / 4
    ij = (d[1, 2, 2] - d[1, 2, 0] - d[1, 0, 2] + d[1, 0, 0]) / 4
    hessian = np.array([[ss, si, sj], [si, ii, ij], [sj, ij, jj]])
    try:
        offset = -np.linalg.solve(hessian, gradient)
    except np.linalg.LinAlgError:
        return np.full(3, np.inf), float(c)
    return offset, float(c + gradient @ offset / 2)


def refine(dogs: Array, extremum: NDArray[np.int64]) -> Refined | None:
    """Fit, move by one sample where the offset is large, fit again (Alg. 6)."""
    position = [int(v) for v in extremum]
    for _ in range(MAX_FITS):
        offset, value = fit(dogs, *position)
        if (np.abs(offset) < MAX_OFFSET).all():
            return Refined(*position, offset, value)
        for axis in range(3):
            if offset[axis] > MAX_OFFSET and position[axis] + 1 < dogs.shape[axis] - 1:
                position[axis] += 1
            elif offset[axis] < -MAX_OFFSET and position[axis] - 1 > 0:
                position[axis] -= 1
    return None


def is_edge(dogs: Array, point: Refined, ratio: float = EDGE_RATIO) -> bool:
    """Principal curvatures at the accepted sample too unequal (Alg. 9)."""
    d = dogs[point.level, point.row - 1 : point.row + 2, point.column - 1 : point.column + 2]
    ii = d[2, 1] + d[0, 1] - 2 * d[1, 1]
    jj = d[1, 2] + d[1, 0] - 2 * d[1, 1]
    ij = (d[2, 2] - d[2, 0] - d[0, 2] + d[0, 0]) / 4
    determinant = ii * jj - ij**2
    if determinant == 0:
        return True
    return bool(abs((ii + jj) ** 2 / determinant) > (ratio + 1) ** 2 / ratio)


def is_inside(x: float, y: float, sigma: float, height: int, width: int) -> bool:
    """The disc of radius sigma lies in the image."""
    return x - sigma > 0 and y - sigma > 0 and x + sigma < width and y + sigma < height


def locate(octave: Octave, point: Refined) -> tuple[float, float, float]:
    """(x, y, sigma) in input pixels."""
    y = octave.delta * (point.row + point.offset[1])
    x = octave.delta * (point.column + point.offset[2])
    step = octave.sigmas[1] / octave.sigmas[0]
    sigma = octave.sigmas[0] * step ** (point.level + point.offset[0])
    return x, y, sigma
