"""One pair of images through several providers: counts, times, pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import siftcore
from siftcore.demo_page.pairs import Pair
from siftcore.drawing import draw_keypoints, draw_matches
from siftcore.errors import InputError
from siftcore.types import MatchResult

if TYPE_CHECKING:
    from siftcore.scalespace.protocol import ScaleSpaceProvider
    from siftcore.verification import Geometry

__all__ = ["MAX_PROVIDERS", "TOLERANCE", "Outcome", "Settings", "compare"]

# Pixels of image A within which a match is called correct.
TOLERANCE = 3.0
MAX_PROVIDERS = 6
_WARM_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to match.

    Attributes
    ----------
    max_keypoints : int or None
        Of each image.
    ratio : float
        In (0, 1].
    geometry : {"homography", "fundamental"} or None
        None verifies nothing.
    provider_a : str or None
        Scale space of image A where it is another than that of image B: for a copy of lower
        resolution, ``"dog"``.
    device : str
        Where networks run.
    """

    max_keypoints: int | None = 2000
    ratio: float = 0.8
    geometry: Geometry | None = "homography"
    provider_a: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Outcome:
    """What one provider made of a pair.

    Attributes
    ----------
    provider : str
    result : MatchResult
    n_correct : int or None
        Matches within `TOLERANCE` of the truth; None where it is not known.
    seconds : float
        For both images' keypoints, matching and verification; without loading and drawing.
    matches : PIL.Image.Image
        Both images and lines between them.
    keypoints_a, keypoints_b : PIL.Image.Image
        Each image with its keypoints.
    """

    provider: str
    result: MatchResult
    n_correct: int | None
    seconds: float
    matches: Image.Image
    keypoints_a: Image.Image
    keypoints_b: Image.Image

    @property
    def n_inliers(self) -> int | None:
        """Matches that agree with the model; None when none was asked for."""
        inliers = self.result.inliers
        return None if inliers is None else int(inliers.sum())

    @property
    def correct_share(self) -> float | None:
        """Of the matches, from 0 to 1; None where the truth is not known or nothing matched."""
        if self.n_correct is None or len(self.result) == 0:
            return None
        return self.n_correct / len(self.result)


def compare(pair: Pair, providers: Sequence[str], settings: Settings) -> Iterator[Outcome]:
    """Match a pair with each provider, in their order.

    Parameters
    ----------
    pair : Pair
    providers : sequence of str
        Registered names, 1 to `MAX_PROVIDERS`; a name that comes twice is used once.
    settings : Settings

    Yields
    ------
    Outcome
        As soon as it is there. No keypoints and no matches are ordinary outcomes.

    Raises
    ------
    SiftError
        A subclass: no provider or too many, an unknown one, one that is not installed, a setting
        out of its range. All but the last before any work.
    """
    names = list(dict.fromkeys(providers))
    if not names:
        raise InputError("no provider is chosen; choose at least one")
    if len(names) > MAX_PROVIDERS:
        raise InputError(
            f"{len(names)} providers are chosen; at most {MAX_PROVIDERS} are compared at a time"
        )
    made = [_provider(name, settings.device) for name in names]
    reference = None
    if settings.provider_a is not None:
        reference = _provider(settings.provider_a, settings.device)
    for name, provider in zip(names, made, strict=True):
        yield _outcome(pair, name, (reference or provider, provider), settings)


# The page asks for the same few again and again, and networks are slow to load.
@lru_cache(maxsize=2 * MAX_PROVIDERS)
def _provider(name: str, device: str) -> ScaleSpaceProvider:
    return siftcore.get_provider(name, device=device)


def _outcome(
    pair: Pair,
    name: str,
    providers: tuple[ScaleSpaceProvider, ScaleSpaceProvider],
    settings: Settings,
) -> Outcome:
    def match(image_a: Image.Image, image_b: Image.Image) -> MatchResult:
        return siftcore.match(
            image_a,
            image_b,
            provider=providers,
            ratio=settings.ratio,
            max_keypoints=settings.max_keypoints,
            geometry=settings.geometry,
        )

    # The first call compiles or loads kernels and networks, which is not what is to be timed.
    corner = (0, 0, _WARM_SIDE, _WARM_SIDE)
    match(pair.image_a.crop(corner), pair.image_b.crop(corner))
    start = time.perf_counter()
    result = match(pair.image_a, pair.image_b)
    seconds = time.perf_counter() - start
    return Outcome(
        provider=name,
        result=result,
        n_correct=None if pair.b_to_a is None else _count_correct(result, pair.b_to_a),
        seconds=seconds,
        matches=draw_matches(pair.image_a, pair.image_b, result),
        keypoints_a=draw_keypoints(pair.image_a, result.features_a),
        keypoints_b=draw_keypoints(pair.image_b, result.features_b),
    )


def _count_correct(result: MatchResult, b_to_a: NDArray[np.float64]) -> int:
    true = result.xy_b.astype(np.float64) @ b_to_a[:2, :2].T + b_to_a[:2, 2]
    miss = np.linalg.norm(true - result.xy_a, axis=1)
    return int(np.count_nonzero(miss <= TOLERANCE))
