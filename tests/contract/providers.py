"""Every provider that the contract is tested on, and some that break it on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import PIL.Image
from numpy.typing import NDArray

import siftcore
from siftcore import Octave, PixelSR, ScaleSpace, ScaleSpaceProvider, StackSR
from siftcore.params import ScaleSpaceParams
from tests.reference.naive_detection import blur

Image = NDArray[np.float32]
LADDER = 1.6 * 2 ** (np.arange(6) / 3)
# Two detection levels an octave, uneven steps, and a gap between the octaves.
PAPER_LADDER = np.hypot((1.249, 1.545, 1.946588, 2.452527, 3.090016), 0.5)


def lanczos(image: Image, scale: int) -> Image:
    """An upscaler on the area grid that siftcore did not write."""
    size = (image.shape[1] * scale, image.shape[0] * scale)
    resized = PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.LANCZOS)
    return np.asarray(resized, np.float32)


def gaussian_stack(image: Image, ladder: NDArray[np.float64] = LADDER) -> Image:
    upscaled = lanczos(image, 2).astype(np.float64)
    levels = [blur(upscaled, float(np.sqrt(sigma**2 - 0.5**2))) for sigma in ladder]
    return np.stack(levels).astype(np.float32)


def dog_stack(image: Image) -> Image:
    return np.diff(gaussian_stack(image), axis=0)


def registered(name: str) -> Callable[[], ScaleSpaceProvider]:
    return lambda: siftcore.get_provider(name, device="cpu")


# Third parties' providers come in through their entry points, as siftcore lists those too.
FACTORIES: dict[str, Callable[[], ScaleSpaceProvider]] = {
    name: registered(name) for name in siftcore.list_providers(available_only=True)
}
FACTORIES |= {
    "PixelSR": lambda: PixelSR(lambda image: lanczos(image, 2), name="lanczos-x2"),
    "PixelSR-x3": lambda: PixelSR(lambda image: lanczos(image, 3), scale=3, name="lanczos-x3"),
    "StackSR": lambda: StackSR(gaussian_stack, name="stack"),
    "StackSR-paper": lambda: StackSR(
        lambda image: gaussian_stack(image, PAPER_LADDER), sigmas=PAPER_LADDER, name="paper"
    ),
    "StackSR-dogs": lambda: StackSR(dog_stack, predicts="dogs", name="dogs"),
}


# Trained to look real, not to be right: they move edges, and their bars are wider. A grid off by a
# quarter of a pixel would still be noticed.
INVENTIVE = ("srgan-x2", "srgan-x4")
# Trained to see through noise: they smooth also where there is none.
CAUTIOUS = ("method3-x2-real", "method3-x4-real")


class Broken:
    """`dog` with something wrong in every octave."""

    def __init__(self, name: str, change: Callable[[Octave], Octave]) -> None:
        self.name = name
        self._change = change
        self._dog = siftcore.get_provider("dog")

    def build(self, image: Image, params: ScaleSpaceParams) -> ScaleSpace:
        space = self._dog.build(image, params)

        def make_octaves() -> Iterator[Octave]:
            for octave in space:
                yield self._change(octave)

        return ScaleSpace(make_octaves, space.image_size, self.name)


def _noisy(octave: Octave) -> Octave:
    noise = np.random.default_rng().normal(0, 1e-4, octave.gaussians.shape)
    return replace(octave, gaussians=octave.gaussians + noise.astype(np.float32))


def _transposed(octave: Octave) -> Octave:
    return replace(octave, gaussians=np.ascontiguousarray(octave.gaussians.transpose(0, 2, 1)))


UNTRUTHFUL: dict[str, Callable[[], ScaleSpaceProvider]] = {
    "grid shifted by 0.25 px": lambda: Broken(
        "shifted", lambda octave: replace(octave, origin=octave.origin + 0.25)
    ),
    "grid shifted by 0.02 px": lambda: Broken(
        "shifted a little", lambda octave: replace(octave, origin=octave.origin - 0.02)
    ),
    "sigmas 10 % too large": lambda: Broken(
        "blurred", lambda octave: replace(octave, sigmas=octave.sigmas * 1.1)
    ),
    "sigmas 5 % too small": lambda: Broken(
        "sharpened", lambda octave: replace(octave, sigmas=octave.sigmas * 0.95)
    ),
    "step 1 % too large": lambda: Broken(
        "stretched", lambda octave: replace(octave, delta=octave.delta * 1.01)
    ),
    "axes swapped": lambda: Broken("transposed", _transposed),
}
UNSTEADY = lambda: Broken("noisy", _noisy)  # noqa: E731
