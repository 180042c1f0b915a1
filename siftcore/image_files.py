"""Pixels of image files and of PIL images, as they are stored."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from siftcore.errors import ImageReadError
from siftcore.image_paths import openable

__all__ = ["pil_pixels", "read_pixels", "reading_failed"]


def read_pixels(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : str or path
        Any format that Pillow reads. The EXIF orientation is not applied (as in COLMAP and hloc).

    Returns
    -------
    ndarray, (H, W) or (H, W, 3)
        uint8; uint16 for 16-bit grey files; float32 for floating-point TIFF. Pillow reduces 16-bit
        colour files to 8 bits; read those with tifffile or OpenCV and pass the array.

    Raises
    ------
    ImageReadError
        Missing, unreadable, truncated, not an image, beyond Pillow's decompression-bomb limit, or
        larger than memory.

    Notes
    -----
    Pillow's warnings about damage that leaves the pixels alone pass unchanged; where they are made
    errors, the file is refused. Silencing them here would not be safe among threads.
    """
    name = os.fspath(path)
    source = openable(name)
    try:
        with Image.open(source) as opened:
            _check_size(opened)
            return pil_pixels(opened)
    except FileNotFoundError:
        raise ImageReadError(name, "there is no such file") from None
    except UnidentifiedImageError:
        raise ImageReadError(
            name, "its contents are in no image format that Pillow knows; check that it is an image"
        ) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageReadError(
            name,
            f"{error}; if you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS or pass an array",
        ) from None
    # Every codec of Pillow has errors of its own: struct.error, SyntaxError, zlib.error and more.
    except Exception as error:
        raise ImageReadError(name, reading_failed(error)) from None


def reading_failed(error: Exception) -> str:
    """Why Pillow could not read an image, for an `ImageReadError`."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is; it may be damaged, or too large to read"
    if isinstance(error, OSError) and error.errno is not None:  # Pillow's own have no number
        return f"{error.strerror}; check the path"
    return f"{str(error) or type(error).__name__}; the file may be truncated or damaged"


def _check_size(image: Image.Image) -> None:
    # Pillow only warns up to twice its limit.
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:
        raise Image.DecompressionBombError(
            f"Image size ({image.width * image.height} pixels) exceeds limit of {most} pixels"
        )


def pil_pixels(image: Image.Image) -> NDArray[Any]:
    """Pixels of a PIL image, (H, W) or (H, W, 3), in its own type."""
    mode = image.mode
    if mode == "I" and image.format == "PPM":
        # Pillow scales a .pgm of more than 8 bits to 16, and keeps it in 32.
        return np.asarray(image).astype(np.uint16)
    if mode in ("1", "L", "I", "F") or mode.startswith("I;16"):
        return np.asarray(image)
    if mode in ("LA", "La"):
        return np.asarray(image.convert("LA"))[..., 0]
    if mode == "P" and isinstance(image.info.get("transparency"), bytes):
        # Pillow warns about the direct way to RGB.
        image = image.convert("RGBA")
    # Alpha is dropped, not blended: what lies under it is unknown.
    return np.asarray(image.convert("RGB"))
