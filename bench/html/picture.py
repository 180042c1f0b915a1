"""Pictures inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image

__all__ = ["Picture", "embed"]

_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Picture:
    """An image with what it shows.

    Attributes
    ----------
    title, note : str
        The caption: what it is, and its figures.
    description : str
        For readers who do not see it.
    source : str
        Data URI.
    width, height : int
        Pixels.
    """

    title: str
    note: str
    description: str
    source: str
    width: int
    height: int


def embed(
    image: Image.Image, title: str, note: str, description: str, kind: Literal["PNG", "JPEG"]
) -> Picture:
    """`image` as a picture of the page; JPEG where it is large."""
    written = io.BytesIO()
    options = {"optimize": True} if kind == "PNG" else {"quality": _JPEG_QUALITY}
    image.save(written, kind, **options)
    data = base64.b64encode(written.getvalue()).decode()
    source = f"data:image/{kind.lower()};base64,{data}"
    return Picture(title, note, description, source, image.width, image.height)
