"""Pixels of image files and of PIL images, as they are stored."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from siftcore.errors import ImageReadError
from siftcore.image_paths import openable

__all__ = ["TIFF_ENDINGS", "pil_pixels", "read_pixels", "reading_failed"]

_BITS_PER_SAMPLE, _PLANAR_CONFIGURATION = 258, 284
TIFF_ENDINGS = (".tif", ".tiff", ".btf")


def read_pixels(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : str or path
        Any format that Pillow reads, and with tifffile any TIFF. The EXIF orientation is not
        applied (as in COLMAP and hloc).

    Returns
    -------
    ndarray, (H, W) or (H, W, 3)
        uint8; uint16 for 16-bit grey files; float32 for floating-point TIFF. Pillow reduces 16-bit
        colour files to 8 bits: TIFF keeps them where tifffile is installed; of others pass the
        array that OpenCV reads.

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
        try:
            with Image.open(source) as opened:
                _check_pixels(*opened.size)
                return _deep_pixels(name, opened) if _is_deep_tiff(opened) else pil_pixels(opened)
        except UnidentifiedImageError:
            if not name.lower().endswith(TIFF_ENDINGS):
                raise
            return _tiff_pixels(name)
    except ImageReadError:
        raise
    except FileNotFoundError:
        raise ImageReadError(name, "there is no such file") from None
    except UnidentifiedImageError:
        raise ImageReadError(
            name, "its contents are in no image format that Pillow knows; check that it is an image"
        ) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageReadError(
            name,
            f"{error}; if you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS (on the command "
            "line: --max-pixels), or pass an array",
        ) from None
    # Every codec of Pillow has errors of its own: struct.error, SyntaxError, zlib.error and more.
    except Exception as error:
        raise ImageReadError(name, reading_failed(error)) from None


def _is_deep_tiff(opened: Image.Image) -> bool:
    """Whether it is a TIFF in colour of more than 8 bits, which Pillow cuts down to 8."""
    tags: Any = getattr(opened, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, (8,))
    return opened.format == "TIFF" and opened.mode.startswith("RGB") and max(bits) > 8


def _deep_pixels(name: str, opened: Image.Image) -> NDArray[Any]:
    """All 16 bits where tifffile can decode the file, else Pillow's 8."""
    try:
        return _tiff_pixels(name)
    except ImageReadError:
        tags: Any = getattr(opened, "tag_v2", {})
        # Pillow 12.3 mixes up the columns of such planes without any error.
        if tags.get(_PLANAR_CONFIGURATION, 1) == 2:
            raise
        return pil_pixels(opened)


def _tiff_pixels(name: str) -> NDArray[Any]:
    """The first page of a TIFF file of a kind that Pillow does not know: 16-bit colour, say."""
    try:
        import tifffile
    except ImportError:
        raise ImageReadError(
            name,
            "Pillow does not know this kind of TIFF; install tifffile, "
            'pip install "siftcore[tiff]", or pass an array',
        ) from None
    try:
        with tifffile.TiffFile(name) as file:
            page: Any = file.pages[0]
            _check_pixels(page.imagewidth, page.imagelength)
            pixels: NDArray[Any] = page.asarray()
            in_planes = pixels.ndim == 3 and page.planarconfig == 2
    except Image.DecompressionBombError:
        raise
    # tifffile meets damage with errors of every kind.
    except Exception as error:
        raise ImageReadError(name, reading_failed(error)) from None
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ImageReadError(
            name, f"its first page has shape {pixels.shape}, which is no image; it may be damaged"
        )
    return np.moveaxis(pixels, 0, -1) if in_planes else pixels


def reading_failed(error: Exception) -> str:
    """Why Pillow could not read an image, for an `ImageReadError`."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is; it may be damaged, or too large to read"
    if isinstance(error, OSError) and error.errno is not None:  # Pillow's own have no number
        return f"{error.strerror}; check the path"
    return f"{str(error) or type(error).__name__}; the file may be truncated or damaged"


def _check_pixels(width: int, height: int) -> None:
    # Pillow only warns up to twice its limit.
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and width * height > most:
        raise Image.DecompressionBombError(
            f"Image size ({width * height} pixels) exceeds limit of {most} pixels"
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
