"""User functions as providers: what they may return, and what is said when they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import ParameterError, PixelSR, ProviderError, SiftParams, StackSR
from siftcore.scalespace.enlarging import upscale_bicubic

Function = Callable[[NDArray[np.float32]], Any]


def twice(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return upscale_bicubic(image, 2)


BAD_UPSCALERS: dict[str, tuple[Function, str]] = {
    "not larger by an integer": (lambda image: np.zeros((70, 90)), "an integer factor"),
    "axes swapped": (lambda image: twice(image).T, "an integer factor"),
    "a batch": (lambda image: twice(image)[None], r"\(1, 96, 128\)"),
    "integers": (lambda image: (255 * twice(image)).astype(np.uint8), "uint8"),
    "NaN": (lambda image: np.full((96, 128), np.nan), "NaN"),
    "nothing": (lambda image: None, "object"),
}


@pytest.mark.parametrize("name", BAD_UPSCALERS)
def test_bad_upscalers_are_named(name: str) -> None:
    function, message = BAD_UPSCALERS[name]
    with pytest.raises(ProviderError, match=message) as caught:
        siftcore.extract(np.zeros((48, 64)), provider=PixelSR(function, name="theirs"))
    assert "'theirs'" in str(caught.value)


def test_an_exception_of_the_function_comes_through() -> None:
    def broken(image: NDArray[np.float32]) -> Any:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        siftcore.extract(np.zeros((48, 64)), provider=PixelSR(broken))


def test_a_stated_scale_is_checked() -> None:
    with pytest.raises(ProviderError, match="by 4"):
        siftcore.extract(np.zeros((48, 64)), provider=PixelSR(twice, scale=4))
    with pytest.raises(ParameterError, match="scale"):
        PixelSR(twice, scale=0)


@pytest.mark.parametrize("kind", [PixelSR, StackSR])
def test_what_cannot_be_called_is_refused(kind: Any) -> None:
    with pytest.raises(ParameterError, match="a function"):
        kind("bicubic")


def test_the_function_cannot_change_the_callers_image(crop: NDArray[np.uint8]) -> None:
    def rude(image: NDArray[np.float32]) -> NDArray[np.float32]:
        image[:] = 0.5
        return twice(image)

    grey = siftcore.load_image(crop)
    before = grey.copy()
    siftcore.extract(grey, provider=PixelSR(rude))
    np.testing.assert_array_equal(grey, before)


def test_bicubic_is_pixel_sr_of_the_bicubic_upscaler(crop: NDArray[np.uint8]) -> None:
    ours = siftcore.extract(crop, provider="bicubic-x2")
    same = siftcore.extract(crop, provider=PixelSR(twice))
    assert len(ours) > 50
    np.testing.assert_array_equal(ours.descriptors, same.descriptors)
    # The enlarged image, doubled once more.
    assert ours.octave.min() == -2
    coarser = siftcore.extract(crop, provider="bicubic-x2", params=SiftParams(first_octave=0))
    assert coarser.octave.min() == -1


def test_results_beyond_black_and_white_are_clipped() -> None:
    checks = np.kron(np.indices((6, 8)).sum(axis=0) % 2, np.ones((8, 8))).astype(np.float32)
    assert twice(checks).max() > 1.01
    space = siftcore.get_provider("bicubic-x2").build(checks, siftcore.SiftParams())
    for octave in space:
        assert octave.gaussians.min() >= -1e-6
        assert octave.gaussians.max() <= 1 + 1e-6


def test_predicted_dogs_reach_the_detector_unchanged(crop: NDArray[np.uint8]) -> None:
    """The rebuilt Gaussians differ by exactly what was predicted, up to rounding."""
    random = np.random.default_rng(0)
    dogs = random.normal(0, 0.02, (5, 256, 320)).astype(np.float32)
    provider = StackSR(lambda image: dogs, predicts="dogs")
    octave = next(iter(provider.build(siftcore.load_image(crop), siftcore.SiftParams())))
    np.testing.assert_allclose(np.diff(octave.gaussians, axis=0), dogs, atol=3e-7)
    top = siftcore.get_provider("bicubic-x2").build(
        siftcore.load_image(crop), siftcore.SiftParams(first_octave=0)
    )
    # One blur instead of six steps, and no clipping before it.
    np.testing.assert_allclose(
        octave.gaussians[-1], next(iter(top)).gaussians[-1], rtol=0, atol=2e-3
    )


def test_the_paper_ladder_can_be_predicted(crop: NDArray[np.uint8]) -> None:
    from siftcore.kernels.blur import gaussian_blur

    sigmas = siftcore.ScaleSpaceParams(ladder="paper")
    from siftcore.scalespace.geometry import ladder_sigmas

    ladder = ladder_sigmas(sigmas)

    def predict(image: NDArray[np.float32]) -> NDArray[np.float32]:
        large = twice(image)
        return np.stack([gaussian_blur(large, float(np.sqrt(s * s - 0.25))) for s in ladder])

    features = siftcore.extract(crop, provider=StackSR(predict, sigmas=ladder))
    assert len(features) > 50
    assert set(np.unique(features.octave)) >= {-1, 0, 1}


def test_levels_must_fit_the_sigmas() -> None:
    def three(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((3, 96, 128), np.float32)

    with pytest.raises(ProviderError, match="6 levels for 6 sigmas; got 3"):
        siftcore.extract(np.zeros((48, 64)), provider=StackSR(three))
    with pytest.raises(ProviderError, match="5 levels for 6 sigmas; got 3"):
        siftcore.extract(np.zeros((48, 64)), provider=StackSR(three, predicts="dogs"))
    with pytest.raises(ParameterError, match="increasing"):
        StackSR(three, sigmas=[1.6, 1.5, 2.0, 3.0])
    with pytest.raises(ParameterError, match="predicts"):
        StackSR(three, predicts="laplacians")  # type: ignore[arg-type]


def test_the_enlarged_image_can_be_had() -> None:
    image = np.random.default_rng(0).random((20, 24), np.float32)
    enlarged = PixelSR(lambda low: 3.0 * twice(low) - 1.0).enlarge(image)
    np.testing.assert_array_equal(enlarged, np.clip(3.0 * twice(image) - 1.0, 0.0, 1.0))
    with pytest.raises(ProviderError, match="by 4"):
        PixelSR(twice, scale=4).enlarge(image)
