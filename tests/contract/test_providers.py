"""One suite for every provider: registered ones, third parties' included, and users' own."""

from __future__ import annotations

import hashlib
import itertools
import weakref

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import ScaleSpaceProvider, SiftParams
from tests.contract.blobs import assert_truthful, measure, render
from tests.contract.providers import CAUTIOUS, FACTORIES, INVENTIVE, UNSTEADY, UNTRUTHFUL

Image = NDArray[np.float32]


@pytest.fixture(params=FACTORIES, scope="module")
def provider(request: pytest.FixtureRequest) -> ScaleSpaceProvider:
    return FACTORIES[request.param]()


@pytest.fixture(scope="module")
def image(crop: NDArray[np.uint8]) -> Image:
    """Odd on one side, and not square."""
    return np.ascontiguousarray(crop[:57, :80]).astype(np.float32) / 255


def digest(provider: ScaleSpaceProvider, image: Image) -> str:
    """Of every octave, and of the keypoints that come from them."""
    sha = hashlib.sha256()
    for octave in provider.build(image, SiftParams()):
        sha.update(octave.gaussians.tobytes() + octave.sigmas.tobytes())
        sha.update(np.array([octave.delta, octave.origin]).tobytes())
    features = siftcore.extract(image, provider=provider)
    sha.update(features.xy.tobytes() + features.descriptors.tobytes())
    return sha.hexdigest()


def test_the_suite_covers_what_is_registered() -> None:
    assert {"dog", "bicubic-x2", "bicubic-x4", "PixelSR", "StackSR"} <= set(FACTORIES)


def test_is_a_provider(provider: ScaleSpaceProvider) -> None:
    assert isinstance(provider, ScaleSpaceProvider)
    assert provider.name


def test_octaves_keep_their_contract(provider: ScaleSpaceProvider, image: Image) -> None:
    space = provider.build(image, SiftParams())
    assert space.image_size == (80, 57)
    assert space.provider == provider.name
    octaves = list(space)
    assert octaves
    for octave in octaves:
        gaussians = octave.gaussians
        assert gaussians.dtype == np.float32
        assert gaussians.flags.c_contiguous
        assert gaussians.shape[0] >= 4
        assert -0.2 < gaussians.min() <= gaussians.max() < 1.2
        assert octave.sigmas.dtype == np.float64
        assert octave.sigmas.shape == gaussians.shape[:1]
        assert (np.diff(octave.sigmas) > 0).all()
        # Blur takes contrast away, from level to level.
        assert (np.diff(gaussians.std(axis=(1, 2))) < 0).all()
        # The grid covers the image, less what halving odd sizes cuts off.
        for size, side in zip(gaussians.shape[:0:-1], space.image_size, strict=True):
            assert -0.5 <= octave.origin <= 0
            last = octave.origin + octave.delta * (size - 1)
            assert side - 0.5 - 2 * octave.delta <= last <= side - 0.5
    for fine, coarse in itertools.pairwise(octaves):
        assert coarse.delta == 2 * fine.delta
        assert fine.sigmas[0] < coarse.sigmas[0] <= fine.sigmas[-1]


def test_upscaled_images_are_taken_to_have_half_a_pixel_of_blur(image: Image) -> None:
    # The stack adds to a blur of 0.5 of its own pixels; PixelSR has to make the same of the image.
    params = SiftParams(first_octave=0)
    upscaled = FACTORIES["PixelSR"]().build(image, params)
    predicted = FACTORIES["StackSR"]().build(image, params)
    for one, other in zip(upscaled, predicted, strict=True):
        np.testing.assert_allclose(one.gaussians, other.gaussians, atol=1e-3)
        np.testing.assert_allclose(one.sigmas, other.sigmas)


def test_same_input_same_bytes(provider: ScaleSpaceProvider, image: Image) -> None:
    assert digest(provider, image) == digest(provider, image)


def test_a_scale_space_can_be_read_twice(provider: ScaleSpaceProvider, image: Image) -> None:
    space = provider.build(image, SiftParams())
    for first, second in zip(list(space), list(space), strict=True):
        np.testing.assert_array_equal(first.gaussians, second.gaussians)


def test_image_is_not_changed(provider: ScaleSpaceProvider, image: Image) -> None:
    frozen = image.copy()
    frozen.flags.writeable = False
    list(provider.build(frozen, SiftParams()))
    np.testing.assert_array_equal(frozen, image)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (1, 40), (40, 1), (13, 12), (7, 50)])
def test_tiny_images(provider: ScaleSpaceProvider, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).random(shape, np.float32)
    for octave in provider.build(noise, SiftParams()):
        octave.check(provider.name)
    features = siftcore.extract(noise, provider=provider)
    assert features.image_size == shape[::-1]
    assert features.provider == provider.name


def test_flat_images_have_no_keypoints(provider: ScaleSpaceProvider) -> None:
    for value in (0.0, 0.37, 1.0):
        flat = np.full((40, 48), value, np.float32)
        assert len(siftcore.extract(flat, provider=provider)) == 0


def test_grids_and_sigmas_are_truthful(provider: ScaleSpaceProvider) -> None:
    name = provider.name
    is_network = name in siftcore.list_providers() and siftcore.provider_info(name).requires
    # A network costs up to seconds an image; two sizes of blob tell a wrong grid as well as six.
    errors = measure(provider, n_sigmas=2) if is_network else measure(provider)
    if name in INVENTIVE:
        assert_truthful(errors, distance=0.06, mean=0.04)
    elif name in CAUTIOUS:
        assert_truthful(errors, distance=0.04, mean=0.02)
    else:
        assert_truthful(errors)


# The suite itself: it has to notice what it is there to notice.


@pytest.mark.parametrize("lie", UNTRUTHFUL)
def test_lies_are_noticed(lie: str) -> None:
    errors = measure(UNTRUTHFUL[lie]())
    with pytest.raises(AssertionError):
        assert_truthful(errors)


def test_unsteadiness_is_noticed(image: Image) -> None:
    noisy = UNSTEADY()
    assert digest(noisy, image) != digest(noisy, image)


def test_blobs_are_where_they_are_said_to_be() -> None:
    blob = render(41.3, 36.8, 3.0, 0.4) - 0.5
    row, column = np.mgrid[: blob.shape[0], : blob.shape[1]]
    assert (blob * column).sum() / blob.sum() == pytest.approx(41.3, abs=1e-3)
    assert (blob * row).sum() / blob.sum() == pytest.approx(36.8, abs=1e-3)
    assert (blob * (column - 41.3) ** 2).sum() / blob.sum() == pytest.approx(9.0, abs=1e-2)


def test_a_scale_space_keeps_no_octave_that_was_given_out() -> None:
    """Only the current octave is in memory: the one before is free when the next is made."""
    space = siftcore.get_provider("dog").build(np.zeros((64, 80), np.float32), SiftParams())
    octaves = iter(space)
    first = weakref.ref(next(octaves))
    next(octaves)
    assert first() is None
