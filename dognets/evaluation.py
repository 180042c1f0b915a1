"""PSNR of DoG images, level by level, beside bicubic enlargement (Noor et al., tables 3 to 5).

The true DoG levels are those of the high-resolution luminance. Its low-resolution version is
reduced bicubically and rounded to 8 bits, or spoilt as `dognets.data.degradation` does it. Peak is
the range of the true DoG, so values depend on that convention; gains over bicubic do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dognets.data.degradation import DEGRADATIONS, to_8_bits
from dognets.data.images import reduce_bicubic
from dognets.errors import DataError
from dognets.ladders import LADDERS
from siftcore.errors import ParameterError
from siftcore.kernels.blur import gaussian_blur
from siftcore.scalespace.enlarging import upscale_bicubic
from siftcore.scalespace.geometry import PAPER_SIGMAS

if TYPE_CHECKING:
    from dognets.models import SuperResolver

__all__ = ["SMALLEST_SIDE", "DogPsnr", "chosen_ladder", "dog_levels", "measure_dog_psnr"]

BORDER = 16
SMALLEST_SIDE = 3 * BORDER


def chosen_ladder(model: SuperResolver, ladder: str | None) -> tuple[float, ...]:
    """Filters of the levels to judge `model` on.

    Parameters
    ----------
    model : SuperResolver
    ladder : {"paper", "lowe"} or None
        None is the model's own, or the paper's where it predicts an image.

    Raises
    ------
    ParameterError
        When there is none of that name, or the model predicts levels of another.
    """
    if ladder is None:
        return model.sigmas or PAPER_SIGMAS
    if ladder not in LADDERS:
        raise ParameterError("ladder", ladder, "'paper' or 'lowe'")
    if model.sigmas and model.sigmas != LADDERS[ladder]:
        raise ParameterError("ladder", ladder, "left out: this network predicts another's levels")
    return LADDERS[ladder]


@dataclass(frozen=True)
class DogPsnr:
    """PSNR in dB, means over images.

    Attributes
    ----------
    predicted, bicubic : ndarray, (levels,) float64
        D1, D2, ...
    images : int
    """

    predicted: NDArray[np.float64]
    bicubic: NDArray[np.float64]
    images: int

    @property
    def gain(self) -> NDArray[np.float64]:
        """Over bicubic, dB."""
        return self.predicted - self.bicubic

    def as_columns(self) -> dict[str, float]:
        """``psnr_D1``, ..., ``gain_D1``, ...: a row of a run's ``validation.csv``."""
        values = {"psnr": self.predicted, "gain": self.gain}
        return {f"{k}_D{i}": float(v) for k, line in values.items() for i, v in enumerate(line, 1)}

    def as_lists(self) -> list[Any]:
        """What `from_lists` takes: plain numbers, as checkpoints hold them."""
        return [self.predicted.tolist(), self.bicubic.tolist(), self.images]

    @classmethod
    def from_lists(cls, predicted: list[float], bicubic: list[float], images: int) -> DogPsnr:
        """The inverse of `as_lists`, exactly."""
        return cls(np.array(predicted), np.array(bicubic), images)

    def as_dict(self) -> dict[str, list[float]]:
        """``psnr`` and ``gain``, rounded: what a manifest says."""
        values = {"psnr": self.predicted, "gain": self.gain}
        return {key: [round(float(v), 3) for v in value] for key, value in values.items()}


def dog_levels(
    image: NDArray[np.float32], sigmas: tuple[float, ...] = PAPER_SIGMAS
) -> NDArray[np.float32]:
    """DoGs of an image: (levels - 1, H, W), each Gaussian minus the one before it."""
    blurred = [gaussian_blur(np.ascontiguousarray(image, np.float32), s) for s in sigmas]
    return np.diff(np.stack(blurred), axis=0)


def measure_dog_psnr(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    images: Iterable[NDArray[np.float32]],
    scale: int,
    predicts: str = "image",
    sigmas: tuple[float, ...] = (),
    degradation: str = "clean",
) -> DogPsnr:
    """Compare predictions with the truth and with bicubic enlargement.

    Parameters
    ----------
    predict : callable
        (H, W) float32 in [0, 1] to (planes, s H, s W).
    images : iterable of (H, W) float32
        High-resolution luminance, 0 to 255.
    scale : int
    predicts : {"image", "gaussians", "dogs"}
    sigmas : tuple of float
        Filters of predicted levels; the paper's ladder where an image is predicted.
    degradation : {"clean", "real"}, default "clean"
        How the low-resolution image is made from the high-resolution one. The random numbers of
        ``"real"`` depend only on an image's place among `images`.

    Raises
    ------
    DataError
        When an image is too small, or there is none but such of one grey value: without a range
        they have no PSNR, and do not count.
    """
    ladder = sigmas or PAPER_SIGMAS
    rows = []
    for place, image in enumerate(images):
        whole = _whole_pixels(image, scale)
        if not np.ptp(whole):
            continue
        low, high = _degraded(whole, scale, degradation, place)
        true = dog_levels(high / 255.0, ladder)
        predicted = _dogs_of(predict(low), predicts, ladder)
        bicubic = dog_levels(upscale_bicubic(low, scale), ladder)
        rows.append([list(map(_psnr, found, true)) for found in (predicted, bicubic)])
    if not rows:
        raise DataError("no image to judge by: there is none, or each has one grey value")
    means = np.mean(rows, axis=0)
    return DogPsnr(means[0], means[1], len(rows))


def _whole_pixels(image: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """The image without the last rows and columns that would make up a part of a reduced pixel."""
    height, width = (n // scale * scale for n in image.shape)
    if min(height, width) < SMALLEST_SIDE:
        raise DataError(
            f"an image of {width} x {height} is too small to be judged: each side must have "
            f"at least {SMALLEST_SIDE} pixels; take it out of the folder"
        )
    return image[:height, :width]


def _degraded(
    high: NDArray[np.float32], scale: int, degradation: str, place: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The low-resolution image, in [0, 1], and the one it is to be turned into, 0 to 255."""
    if degradation == "clean":
        reduced, target = to_8_bits(reduce_bicubic(high, scale)), high
    else:
        rng = np.random.default_rng(place)
        reduced, rounded = DEGRADATIONS[degradation](to_8_bits(high), scale, rng)
        target = rounded.astype(np.float32)
    return reduced.astype(np.float32) / 255.0, target


def _dogs_of(
    result: NDArray[np.float32], predicts: str, ladder: tuple[float, ...]
) -> NDArray[np.float32]:
    """DoGs of what a network predicted."""
    if predicts == "image":
        return dog_levels(result[0], ladder)
    return np.diff(result, axis=0) if predicts == "gaussians" else result


def _psnr(found: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    inside = (slice(BORDER, -BORDER),) * 2
    error = np.mean((found[inside].astype(np.float64) - true[inside]) ** 2)
    peak = float(np.ptp(true[inside]))
    return float(10.0 * np.log10(max(peak, 1e-12) ** 2 / max(error, 1e-20)))
