"""Single images as pairs: a warped view of each, and the image itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.pairs.pair import ImagePair
from bench.pairs.photograph_sources import read_photographs
from bench.pairs.synthetic_warps import render
from bench.pairs.warp_kinds import KINDS, about, to_bytes
from bench.photographs import shrunk
from bench.session import Session
from bench.store import digest

__all__ = ["LONGEST_SIDE", "SMALLEST_SIDE", "read_views"]

# Reduced by 4, such an image has twelve pixels left, one octave of the doubled image.
SMALLEST_SIDE = 48
# Photographs of many megapixels are reduced to it: detail up to the last pixel, and minutes saved.
LONGEST_SIDE = 1024
_MOST = 1_000_000
_CODE = (
    "bench.pairs.image_views", "bench.pairs.synthetic_warps", "bench.pairs.warp_kinds",
    "bench.photographs",
)  # fmt: skip


def read_views(
    source: Path, session: Session, count: int | None, scale: int
) -> Iterator[ImagePair]:
    """Of each image a pair: first a turned, distant and tilted view of it, then the image.

    Parameters
    ----------
    source : path
        As for `read_photographs`; those with a side below 48 pixels are skipped and noted.
    session : Session
    count : int, optional
        At most so many images.
    scale : int
        By which the second image will be reduced; rows and columns too many for it are cut off.

    Raises
    ------
    DataError
        When the folder is missing or has no image.
    InputError
        When no image can be used.
    """
    used = 0
    smallest = (SMALLEST_SIDE, SMALLEST_SIDE)
    photographs = read_photographs(source, session, _MOST if count is None else count, smallest)
    for name, photograph in session.track(photographs, source.name, count):
        used += 1
        description = {"photograph": digest(photograph), "scale": scale, "seed": session.seed}
        views = session.store.get(
            "image views", description, partial(_views, photograph, scale, session.seed), _CODE
        )
        yield ImagePair(name, "view", views["view"], views["image"], views["homography"])
    if not used:
        raise session.nothing_left("image")


def _views(photograph: NDArray[np.float32], scale: int, seed: int) -> dict[str, NDArray[Any]]:
    image = shrunk(photograph, LONGEST_SIDE)
    height, width = (n // scale * scale for n in image.shape)
    image = image[:height, :width]
    middle = about(width / 2, (width - 1) / 2, (height - 1) / 2)
    rng = np.random.default_rng([seed, zlib.crc32(photograph.data)])
    move = KINDS["geometry"].move(rng, 1.0)
    homography = middle @ np.linalg.inv(move) @ np.linalg.inv(middle)
    return {
        "view": to_bytes(render(image, homography, (width, height))),
        "image": to_bytes(255.0 * image.astype(np.float64)),
        "homography": homography / homography[2, 2],
    }
