"""Does a provider tell the truth about its grid and its sigmas? Asked with Gaussian blobs.

**Where the extremum must be.** The image holds a blob ``exp(-r^2 / (2 s^2))`` of known centre and
s (input pixels). A provider takes its finest image to have a blur of c already, and adds
``sqrt(sigma^2 - c^2)`` to reach a level that it labels sigma. On that level the blob has the
variance ``v + t`` with ``t = sigma^2`` and ``v = s^2 - c^2``, and at its centre the height
``s^2 / (v + t)``. Between neighbouring levels, sigma and k sigma, the centre's DoG is therefore ::

    s^2 / (v + k^2 t) - s^2 / (v + t)  =  -(k^2 - 1) s^2 t / ((v + t) (v + k^2 t))

whose size is largest over t where ``v^2 = k^2 t^2``. A keypoint's sigma is the lower level's, so ::

    sigma = sqrt(v / k) = sqrt((s^2 - c^2) / k)

**c** is half a pixel of the finest grid that holds a real image: of the input for the linearly
doubled one (its extra samples are only interpolated, and its origin is 0), of the super-resolved
image otherwise. With s of 2 px and more, c changes sigma by 3 % at most.

**k** is read off the ladder at the keypoint, as ladders differ. Only ratios of the provider's
sigmas enter, so sigmas that are all wrong by one factor show in full. Scales are drawn from where
the ladder can detect: the `paper` ladder leaves gaps between its octaves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import siftcore
from siftcore import ScaleSpaceProvider, SiftParams

WIDTH, HEIGHT = 96, 80
N_SIGMAS = 6
SMALLEST_SIGMA, LARGEST_SIGMA = 1.78, 5.0

Image = NDArray[np.float32]


class BlobErrors(NamedTuple):
    """Differences from the truth, one a blob: pixels, and shares of sigma.

    `step` is the sampling step (px) of the octave that the blob was found on.
    """

    n_missing: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64]
    step: NDArray[np.float64]


class Ladder(NamedTuple):
    """A provider's octaves without their pixels; step is that of the coarsest used here."""

    sigmas: list[NDArray[np.float64]]
    camera_blur: float
    origin: float
    step: float


def render(x: float, y: float, s: float, height: float) -> Image:
    """A blob on mid-grey, wider than high."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    blob = np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * s**2))
    return (0.5 + height * blob).astype(np.float32)


def ladder_of(provider: ScaleSpaceProvider) -> Ladder:
    octaves = list(provider.build(render(47, 39, 4, 0.4), SiftParams()))
    finest = octaves[0]
    is_interpolated = finest.origin == 0 and finest.delta < 1
    camera_blur = 0.5 if is_interpolated else 0.5 * finest.delta
    step = max(octave.delta for octave in octaves if octave.delta <= 2)
    return Ladder([octave.sigmas for octave in octaves], camera_blur, finest.origin, step)


def detectable(sigmas: NDArray[np.float64]) -> tuple[float, float]:
    """Range of sigma in which an octave holds extrema: its inner DoG levels, and 0.3 beyond."""
    first, last = 1, len(sigmas) - 3
    low = sigmas[first] * (sigmas[first - 1] / sigmas[first]) ** 0.3
    high = sigmas[last] * (sigmas[last + 1] / sigmas[last]) ** 0.3
    return low, high


def draw_sigmas(ladder: Ladder, rng: np.random.Generator, n: int) -> list[float]:
    """One from each of n equal parts of the log range, or as near as the ladder detects."""
    edges = np.geomspace(SMALLEST_SIGMA, LARGEST_SIGMA, n + 1)
    bands = [detectable(sigmas) for sigmas in ladder.sigmas]
    drawn = []
    for sigma in rng.uniform(edges[:-1], edges[1:]):
        inside = [np.clip(sigma, low, high) for low, high in bands]
        drawn.append(float(min(inside, key=lambda s: abs(np.log(s / sigma)))))
    return drawn


def ratio_at(ladder: Ladder, sigma: float) -> float:
    """k between the levels next to sigma."""
    for sigmas in ladder.sigmas:
        low, high = detectable(sigmas)
        if low <= sigma <= high:
            level = int(np.argmin(np.abs(np.log(sigmas[1:-2] / sigma)))) + 1
            return float(sigmas[level + 1] / sigmas[level])
    raise AssertionError(f"{sigma} lies in a gap of the ladder")


def places(ladder: Ladder, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Four centres near (50, 37), in pairs that mirror each other about a sample.

    Refinement errs with the place between samples, by opposite amounts at mirrored places: what is
    left of the mean error is the grid's. (A lie about the grid only spoils this cancelling.)
    """
    sample_x = ladder.origin + ladder.step * round(50 / ladder.step)
    sample_y = ladder.origin + ladder.step * round(37 / ladder.step)
    near, far = rng.uniform((0, 0.25), (0.25, 0.5), (2, 2)).T * ladder.step
    offsets = ((near[0], far[0]), (-near[0], -far[0]), (far[1], -near[1]), (-far[1], near[1]))
    return [(float(sample_x + dx), float(sample_y + dy)) for dx, dy in offsets]


def measure(
    provider: ScaleSpaceProvider, seed: int = 20140911, n_sigmas: int = N_SIGMAS
) -> BlobErrors:
    """Place, find and compare blobs of both polarities, four of each sigma, one an image."""
    rng = np.random.default_rng(seed)
    ladder = ladder_of(provider)
    errors: list[tuple[float, float, float, float]] = []
    n_missing = 0
    for i, sigma in enumerate(draw_sigmas(ladder, rng, n_sigmas)):
        s = float(np.sqrt(ratio_at(ladder, sigma) * sigma**2 + ladder.camera_blur**2))
        for x, y in places(ladder, rng):
            found = siftcore.extract(render(x, y, s, 0.4 if i % 2 else -0.4), provider=provider)
            if len(found) == 0 or np.hypot(*(found.xy[0] - (x, y))) > 3:
                n_missing += 1
                continue
            dx, dy = found.xy[0] - (x, y)
            step = 2.0 ** int(found.octave[0])
            errors.append((float(dx), float(dy), float(found.sigma[0]) / sigma - 1, step))
    columns = np.array(errors, np.float64).reshape(-1, 4).T
    return BlobErrors(n_missing, *columns)


def assert_truthful(errors: BlobErrors, distance: float = 0.03, mean: float = 0.01) -> None:
    """The bars of the contract.

    What the quadratic fit cannot follow grows with the sampling step, so from a step of 1 px on
    positions are judged in samples. The mean error is judged in pixels on every octave.
    """
    assert errors.n_missing == 0, errors
    distances = np.hypot(errors.x, errors.y) / np.maximum(errors.step, 1)
    assert np.median(distances) <= distance, errors
    assert abs(errors.x.mean()) <= mean, errors
    assert abs(errors.y.mean()) <= mean, errors
    assert np.median(np.abs(errors.sigma)) <= 0.03, errors
