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

# Wide and high; sides of 32 n, because the engine keeps the last sample of an odd side when it
# halves it, and the program drops it.
CROPS = {
    "coins": (slice(20, 180), slice(30, 254)),
    "page": (slice(0, 160), slice(0, 128)),
    "chelsea": (slice(50, 178), slice(100, 260)),
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


def test_odd_sides_keep_their_last_sample() -> None:
    image = skimage.data.coins()[20:175, 30:243].astype(np.float32) / 255
    octaves = list(siftcore.get_provider("dog").build(image, siftcore.SiftParams()))
    sizes = [octave.gaussians.shape[1:] for octave in octaves]
    assert sizes == [(310, 426), (155, 213), (78, 107), (39, 54), (20, 27)]
    for ours, theirs in zip(octaves[:3], stages.scale_space(image), strict=False):
        # Only what a Gaussian of 5 samples carries in from the right and lower border may differ.
        height, width = (side - 24 for side in theirs.gaussians.shape[1:])
        np.testing.assert_allclose(
            ours.gaussians[:, :height, :width], theirs.gaussians[:, :height, :width], atol=1e-4
        )


@pytest.mark.parametrize("shape", [(48, 70), (47, 70), (70, 48), (96, 96), (6, 9), (5, 9)])
def test_octaves_end_where_the_programs_do(shape: tuple[int, int]) -> None:
    octaves = siftcore.get_provider("dog").build(np.zeros(shape, np.float32), siftcore.SiftParams())
    assert len(list(octaves)) == max(stages.octave_count(*shape), 0)


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
        assert agreement(wanted, got, px=0.01, angle_deg=180).share >= 0.99
        inner = wanted[away_from_border(wanted, image)]
        assert len(inner) > 50
        # The engine drops saddles, as Lowe does; the program keeps a few, one a crop at most.
        assert (~agreement(inner, got, px=0.01, angle_deg=0.2).found).sum() <= 1

    rows, partners = same_keypoints(expected, ours)
    np.testing.assert_allclose(features.response[partners], response[rows], rtol=1e-2)
    inner = away_from_border(expected, image)[rows]
    correlation = correlations(features.descriptors[partners[inner]], descriptors[rows[inner]])
    assert correlation.min() > 0.99
    assert np.median(correlation) > 0.99999


@pytest.mark.parametrize("n_scales", [2, 5])
def test_responses_do_not_depend_on_the_number_of_scales(
    image: NDArray[np.float32], n_scales: int
) -> None:
    params = siftcore.SiftParams(n_scales_per_octave=n_scales)
    features = siftcore.extract(image, params=params)
    found, _ = naive.extract(image, n_scales)
    expected = np.array([(k.x, k.y, k.sigma, k.angle) for k in found])
    places = agreement(expected, table(features), px=0.01, angle_deg=180)
    assert (~places.found).sum() <= 0.015 * len(expected)
    # Closer levels differ by less. Responses are stated for levels 2 ** (1 / 3) apart.
    spacing = stages.contrast_threshold(3) / stages.contrast_threshold(n_scales)
    rows, partners = same_keypoints(expected, table(features))
    response = spacing * np.array([k.response for k in found])
    np.testing.assert_allclose(features.response[partners], response[rows], rtol=1e-2)
    assert features.response.min() >= 0.04 / 3


def same_keypoints(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of a and b that agree in (x, y, sigma, angle)."""
    difference = np.abs(a[:, None] - b[None])
    # An angle just below 2 pi is the neighbour of one just above 0.
    difference[..., 3] = np.minimum(difference[..., 3], 2 * np.pi - difference[..., 3])
    return np.nonzero((difference < (0.01, 0.01, 0.02, 0.004)).all(axis=2))


# Below the finest level that finds keypoints, at both sides of where one octave follows another,
# and beyond the coarsest.
@pytest.mark.parametrize("sigma", [0.4, 0.8, 1.0, 1.75, 1.85, 2.4, 3.6, 5.0, 14.5, 16.0])
def test_given_keypoints_are_described_where_the_mirror_reads(sigma: float) -> None:
    image = skimage.data.coins()[20:212, 30:254].astype(np.float32) / 255
    rng = np.random.default_rng(31)
    # Away from the border, or half-way to it where the window is too large for that.
    reach = min(7.5 * np.sqrt(2) * sigma + 2, 60.0)
    xy = rng.uniform((reach, reach), (223 - reach, 191 - reach), (12, 2))
    angle = rng.uniform(0, 6, 12)
    found = siftcore.describe(image, xy, sigma, angle)
    given = [naive.Keypoint(x, y, sigma, a, 0.0) for (x, y), a in zip(xy, angle, strict=True)]
    correlation = correlations(found.descriptors, naive.describe(image, given))
    assert correlation.min() > (0.999 if reach < 60.0 else 0.99)
    # The level that is named lies on the ladder of the octave that is named.
    named = 1.6 * 2.0 ** (found.octave + found.level / 3)
    inside = (named > 0.81) & (named < 20.0)
    np.testing.assert_allclose(named[inside], found.sigma[inside], rtol=1e-5)


def test_beyond_the_coarsest_octave_its_last_detection_level_is_read() -> None:
    image = skimage.data.coins()[20:212, 30:254].astype(np.float32) / 255
    params = siftcore.SiftParams(n_octaves=2)
    # Octave 0 has levels of 1.6 to 5.08; keypoints are found up to 3.2.
    octave = list(stages.scale_space(image))[1]
    slopes = naive.gradients(octave.gaussians[3])
    for sigma in (3.7, 4.4, 6.0):
        (found,) = siftcore.describe(image, [[110, 95]], sigma, 0.7, params=params).descriptors
        histogram = naive.descriptor_histogram(*slopes, 110, 95, sigma, 0.7)
        np.testing.assert_allclose(found, naive.normalise(histogram), atol=2e-3)
