"""Files dropped on the page: checked, decoded, reduced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from siftcore.errors import ImageReadError, SiftError
from siftcore.image import load_image

__all__ = ["Upload", "fit", "read_upload"]


class Upload(NamedTuple):
    """A file on the server, and the name that its owner knows."""

    path: str
    name: str


def read_upload(upload: Upload, max_megapixels: float) -> Image.Image:
    """Decode an uploaded image.

    The orientation that a camera noted is applied, since the browser shows the image that way.

    Parameters
    ----------
    upload : Upload
    max_megapixels : float
        Millions of pixels; looked at before anything is decoded, since a small file may hold a
        huge image.

    Returns
    -------
    PIL.Image.Image
        ``L`` or ``RGB``, 8 bits; deeper images are reduced to that.

    Raises
    ------
    ImageReadError
        Not an image, damaged, or too large. It gives the owner's name, not the server's path.
    InputError
        Values that siftcore does not take, such as floats outside [0, 1].
    """
    limit = f"at most {max_megapixels:g} megapixels are taken; reduce it first"
    try:
        with Image.open(upload.path) as opened:
            width, height = opened.size
            if width * height > max_megapixels * 1e6:
                raise ImageReadError(upload.name, f"it has {width} x {height} pixels; {limit}")
            opened.load()
            return _eight_bits(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageReadError(upload.name, f"it is far too large; {limit}") from None
    except UnidentifiedImageError:
        raise ImageReadError(
            upload.name, "it is not an image of a known format; use JPEG, PNG, WebP or TIFF"
        ) from None
    except SiftError:
        raise
    # Every codec of Pillow has errors of its own.
    except Exception as error:
        # Some of Pillow's messages name the file on the server.
        reason = str(error).replace(upload.path, upload.name)
        raise ImageReadError(upload.name, f"{reason}; the file may be damaged") from None


def fit(image: Image.Image, long_side: int | None) -> Image.Image:
    """`image`, reduced so that no side is above `long_side` pixels; never enlarged."""
    if long_side is None or max(image.size) <= long_side:
        return image
    scale = long_side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("LA", "La"):
        return image.convert("LA").getchannel(0)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(np.rint(255.0 * load_image(image).clip(0.0, 1.0)).astype(np.uint8))
    return image.convert("RGB")
