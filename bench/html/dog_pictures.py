"""The finest DoG level of a photograph as each provider sees it: Figure 8 of Noor et al."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.dog_levels import paper_levels
from bench.extractors.providers import provider_identity, provider_of
from bench.html.picture import Picture, embed
from bench.metrics.dog_psnr import BORDER, dog_psnr
from bench.photographs import reduced
from bench.session import Session
from bench.store import digest

__all__ = ["dog_pictures"]

_SIDE = 256 + 2 * BORDER


def dog_pictures(
    image: NDArray[np.uint8], providers: Sequence[str], scale: int, session: Session
) -> list[Picture]:
    """D1 of the truth and of each provider, with the PSNR of the part that is shown.

    Parameters
    ----------
    image : ndarray, (H, W) uint8
        Its middle is shown.
    providers : sequence of str
        Of this scale. One that raises is noted in `session` and left out.
    scale : int
        Reduction of the image.
    session : Session

    Returns
    -------
    list of Picture
        The truth first. All share one contrast: grey is zero. The border that `dog_psnr` leaves
        out is not shown.
    """
    high = _middle(image, scale)
    low = reduced(high, scale)
    truth = session.attempt("dog", lambda: _first_dog("dog", high, high.shape, session))
    if truth is None:
        return []
    limit = float(np.percentile(np.abs(truth), 99.5)) or 1.0
    shown = [_picture(truth, limit, "Truth", "high resolution")]
    for name in providers:
        found = session.attempt(name, lambda n=name: _first_dog(n, low, high.shape, session))
        if found is not None:
            psnr = dog_psnr(found[None], truth[None])[0, 0]
            shown.append(_picture(found, limit, name, f"{psnr:.2f} dB"))
    return shown


def _middle(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    height, width = (min(n, _SIDE) // scale * scale for n in image.shape)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _first_dog(
    name: str, image: NDArray[np.uint8], shape: tuple[int, ...], session: Session
) -> NDArray[np.float32]:
    """D1 of the provider, (H, W)."""

    def compute() -> dict[str, NDArray[np.float32]]:
        grey = image.astype(np.float32) / np.float32(255.0)
        levels = paper_levels(provider_of(name), grey, shape)
        return {"d1": levels[1] - levels[0]}

    description = provider_identity(name) | {"image": digest(image), "level": "D1, paper ladder"}
    code = ("siftcore", "dognets", "bench.dog_levels")
    return session.store.get("dog-pictures", description, compute, code)["d1"]


def _picture(dog: NDArray[np.float32], limit: float, title: str, note: str) -> Picture:
    inside = dog[BORDER:-BORDER, BORDER:-BORDER]
    grey = np.clip(127.5 + 127.5 * inside / limit, 0, 255).round().astype(np.uint8)
    description = f"Finest difference of Gaussians, {title}, {note}"
    return embed(Image.fromarray(grey), title, note, description, "PNG")
