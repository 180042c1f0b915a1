"""The engine against its naive mirror, on real crops that the golden files do not hold."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

import siftcore
from tests.keypoints import agreement, correlations, table
from tests.reference import naive
from tests.reference import naive_detection as stages

# Odd and even sides, wide and high.
CROPS = {
    "coins": (slice(20, 180), slice(30, 243)),
    "page": (slice(0, 191), slice(0, 120)),
    "chelsea": (slice(50, 178), slice(100, 256)),
}


@pytest.fixture(params=CROPS, scope="module")
def image(request: pytest.FixtureRequest) -> NDArray[np.float32]:
    whole = getattr(skimage.data, request.param)()
    grey = whole if whole.ndim == 2 else whole[..., 1]
    return grey[CROPS[request.param]].astype(np.float32) / 255


def test_levels_are_the_naive_ones(image: NDArray[np.float32]) -> None:
    space = siftcore.get_provider("dog").build(image, siftcore.SiftParams())
    octaves = list(space)
    expected = list(stages.scale_space(image))
    assert len(octaves) == len(expected) >= 4
    for ours, theirs in zip(octaves, expected, strict=True):
        assert (ours.delta, ours.origin) == (theirs.delta, 0.0)
        np.testing.assert_allclose(ours.sigmas, theirs.sigmas, rtol=1e-12)
        np.testing.assert_allclose(ours.gaussians, theirs.gaussians, atol=2e-6)


def away_from_border(
    keypoints: NDArray[np.float64], image: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whose descriptor window, 7.5 sigma and turned, sees no border sample.

    On border samples there is no central difference: the mirror takes a one-sided one.
    """
    reach = 7.5 * np.sqrt(2) * keypoints[:, 2] + 2
    x, y = keypoints[:, 0], keypoints[:, 1]
    height, width = image.shape
    return np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) > reach


def test_keypoints_are_the_naive_ones(image: NDArray[np.float32]) -> None:
    features = siftcore.extract(image)
    found, descriptors = naive.extract(image)
    expected = np.array([(k.x, k.y, k.sigma, k.angle) for k in found])
    response = np.array([k.response for k in found])
    ours = table(features)
    assert len(expected) > 100
    for wanted, got in ((expected, ours), (ours, expected)):
        assert agreement(wanted, got, px=0.01, angle_deg=180).share >= 0.98
        inner = wanted[away_from_border(wanted, image)]
        assert len(inner) > 50
        assert agreement(inner, got, px=0.01, angle_deg=0.2).share >= 0.98

    rows, partners = same_keypoints(expected, ours)
    np.testing.assert_allclose(features.response[partners], response[rows], rtol=1e-2)
    inner = away_from_border(expected, image)[rows]
    correlation = correlations(features.descriptors[partners[inner]], descriptors[rows[inner]])
    assert correlation.min() > 0.99
    assert np.median(correlation) > 0.99999


def same_keypoints(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of a and b that agree in (x, y, sigma, angle)."""
    difference = np.abs(a[:, None] - b[None])
    # An angle just below 2 pi is the neighbour of one just above 0.
    difference[..., 3] = np.minimum(difference[..., 3], 2 * np.pi - difference[..., 3])
    return np.nonzero((difference < (0.01, 0.01, 0.02, 0.004)).all(axis=2))
