"""Which photographs the page shows, and with which providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import siftcore
from bench.extractors.providers import scale_of
from bench.html.dog_pictures import dog_pictures
from bench.html.match_pictures import BUDGET, match_pictures
from bench.html.picture import Picture
from bench.html.results import ShownResult
from bench.pairs import ImagePair, grey_image
from bench.pairs.oxford_affine import read_pairs
from bench.photographs import motorcycle_pair
from bench.session import Session
from dognets.data.images import find_images
from siftcore.errors import InputError

__all__ = ["PictureGroup", "make_pictures"]

# Smaller ones leave nothing to look at once reduced by 4.
_SMALLEST = 96


@dataclass(frozen=True)
class PictureGroup:
    """Pictures to compare with each other.

    Attributes
    ----------
    title, caption : str
    kind : {"dog", "matches"}
    pictures : list of Picture
    """

    title: str
    caption: str
    kind: str
    pictures: list[Picture]


def make_pictures(
    results: Sequence[ShownResult], data: Path | None, providers: Sequence[str], session: Session
) -> list[PictureGroup]:
    """DoG images and matches, a group for each reduction that a provider is made for.

    Parameters
    ----------
    results : sequence of ShownResult
    data : path or None
        Folder of pairs in the layout of the Oxford affine data set, or of images. None, and the
        pairs where there are only images: the motorcycle pair that scikit-image ships.
    providers : sequence of str
        By default those of the results that are available here.
    session : Session
        Notes what was skipped and what failed.
    """
    names = list(dict.fromkeys(providers)) or _measured(results)
    image, pair = _photographs(data, session)
    groups = []
    for scale in sorted({scale_of(name) for name in names} - {1}):
        bicubic = f"bicubic-x{scale}"
        wanted = [bicubic, *(n for n in names if scale_of(n) == scale and n != bicubic)]
        groups.append(_dog_group(image, wanted, scale, session))
        groups.append(_match_group(pair, wanted, scale, session))
    return [group for group in groups if group.pictures]


def _measured(results: Sequence[ShownResult]) -> list[str]:
    rows = {
        str(row[0]) for result in results for table in result.report.tables for row in table.rows
    }
    return [name for name in siftcore.list_providers(available_only=True) if name in rows]


def _photographs(data: Path | None, session: Session) -> tuple[NDArray[np.uint8], ImagePair]:
    if data is not None and any(data.glob("*/H1to2p")):
        pair = next(read_pairs(data, session))
        return pair.a, pair
    left, right, _ = (np.asarray(part) for part in motorcycle_pair())
    grey = [grey_image(side) for side in (left, right)]
    pair = ImagePair("Middlebury motorcycle", "left and right", *grey)
    if data is None:
        return pair.a, pair
    for _, image in session.readable(find_images(data), _large_enough):
        return image, pair
    raise session.nothing_left("image")


def _large_enough(path: Path) -> NDArray[np.uint8]:
    image = grey_image(path)
    if min(image.shape) < _SMALLEST:
        height, width = image.shape
        raise InputError(f"{width} x {height} pixels; pictures need {_SMALLEST} a side")
    return image


def _dog_group(
    image: NDArray[np.uint8], providers: Sequence[str], scale: int, session: Session
) -> PictureGroup:
    return PictureGroup(
        f"DoG images, reduction {scale}",
        "The finest level, D1, of the middle of a photograph; grey is zero, and all share one "
        "contrast. PSNR is of the part shown, with the range of the truth as peak.",
        "dog",
        dog_pictures(image, providers, scale, session),
    )


def _match_group(
    pair: ImagePair, providers: Sequence[str], scale: int, session: Session
) -> PictureGroup:
    height, width = (n // scale for n in pair.b.shape)
    return PictureGroup(
        f"Matches, reduction {scale}",
        f"{pair.group}, {pair.name}: on the left the second image, reduced to {width} x {height} "
        "pixels and read by each provider (“dog”: as it is); on the right the first at full "
        f"resolution. The strongest {BUDGET} keypoints of each; a share of the matches is drawn.",
        "matches",
        match_pictures(pair, ["dog", *providers], scale, session),
    )
