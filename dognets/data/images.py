"""Find and read training images; hold whole subjects back for validation."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dognets.errors import DataError

__all__ = [
    "find_images",
    "is_held_back",
    "read_grey",
    "read_luminance",
    "read_usable",
    "reduce_bicubic",
    "subject",
]

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
HELD_BACK_ONE_IN = 20


def find_images(folder: str | Path) -> list[Path]:
    """All image files below `folder`, sorted by path.

    DIV2K needs no more than its folder: ``DIV2K_train_HR/0001.png`` and so on.

    Raises
    ------
    DataError
        When the folder is missing or has no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}; give one that holds images (--data DIR)")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise DataError(
            f"no image in {str(folder)!r}; looked for {', '.join(sorted(SUFFIXES))} in it and in "
            "its folders"
        )
    return found


def read_grey(path: str | Path) -> NDArray[np.uint8]:
    """Luminance (BT.601) of an image file, (H, W) uint8.

    Raises
    ------
    DataError
        When the file cannot be read as an image.
    """
    return _read(path, "L")


def _read(path: str | Path, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.array(_to_8_bits(image).convert(mode))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"cannot read an image from {str(path)!r}: {error}") from error


def _to_8_bits(image: Image.Image) -> Image.Image:
    """16-bit grey reduced to 8 bits, which Pillow would clip at 255; all else as it is."""
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    return Image.fromarray(np.rint(np.asarray(image) / 257.0).clip(0, 255).astype(np.uint8))


def read_usable(
    paths: Iterable[Path], minimum_side: int
) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Images that can be read and are large enough; the others are named in one warning."""
    skipped: list[str] = []
    for path in paths:
        try:
            image = read_grey(path)
        except DataError:
            skipped.append(f"{path.name} (unreadable)")
            continue
        if min(image.shape) < minimum_side:
            skipped.append(f"{path.name} ({image.shape[1]} x {image.shape[0]} is too small)")
            continue
        yield path, image
    if skipped:
        shown = ", ".join(skipped[:10]) + (", ..." if len(skipped) > 10 else "")
        warnings.warn(f"{len(skipped)} images skipped: {shown}", stacklevel=2)


def subject(path: Path) -> str:
    """What an image shows, by its name: trailing numbers count takes of one subject.

    Examples
    --------
    >>> subject(Path("dog2_03.jpg")), subject(Path("100075.jpg"))
    ('dog2', '100075')
    """
    return re.sub(r"[-_ ]\d+$", "", path.stem)


def is_held_back(path: Path) -> bool:
    """Whether an image belongs to validation, decided by its subject alone."""
    digest = hashlib.sha256(subject(path).encode()).digest()
    return digest[9] % HELD_BACK_ONE_IN == 0


def reduce_bicubic(image: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Antialiased bicubic reduction of a float image whose sides `scale` divides."""
    height, width = image.shape
    size = (width // scale, height // scale)
    reduced = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(reduced, np.float32)


def read_luminance(path: str | Path) -> NDArray[np.float32]:
    """Luminance as super-resolution benchmarks take it, (H, W) float32 in 16..235.

    ``16 + (65.481 R + 128.553 G + 24.966 B) / 255``, not rounded. Grey files pass as R = G = B.

    Raises
    ------
    DataError
        When the file cannot be read as an image.
    """
    rgb = _read(path, "RGB").astype(np.float32)
    weights = np.array([65.481, 128.553, 24.966], np.float32)
    return np.asarray(16.0 + rgb @ weights / 255.0, np.float32)
