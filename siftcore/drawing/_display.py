"""Any image that siftcore takes, in colour and at a size to be looked at."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import InputError
from siftcore.image import load_image
from siftcore.image_files import read_pixels
from siftcore.validation import check_integer

__all__ = ["check_count", "enlarge", "load_display", "whole_zoom"]


def load_display(
    image: Any, image_size: tuple[int, int], value_range: tuple[float, float] | None
) -> Image.Image:
    """`image` as an RGB picture of 8 bits, checked to be the one that the features are of.

    Parameters
    ----------
    image : path, PIL image, ndarray or torch tensor
        As `siftcore.extract` takes it; alpha is ignored.
    image_size : (int, int)
        Width and height that the features were extracted from.
    value_range : (float, float) or None
        What is black and what is white; None means the dtype's range, [0, 1] for floats.

    Raises
    ------
    InputError, InputTypeError
        As `siftcore.load_image`, and when the size is another.
    """
    pixels = read_pixels(image) if isinstance(image, (str, os.PathLike)) else image
    # It is what the features were made from, and it brings every check of type and value.
    shown = load_image(pixels, value_range)
    height, width = shown.shape[:2]
    if (width, height) != tuple(image_size):
        raise InputError(
            f"the features are of an image of {image_size[0]}x{image_size[1]} pixels, but the "
            f"image to draw on has {width}x{height}; pass the image they were extracted from"
        )
    colour = _colour(pixels)
    if colour is not None:
        low, high = _limits(colour.dtype) if value_range is None else value_range
        shown = (colour.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    bytes_ = np.rint(shown.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(bytes_).convert("RGB")


def enlarge(picture: Image.Image, zoom: float) -> Image.Image:
    """`picture` resampled to `zoom` times its size, at least one pixel each way."""
    size = (max(1, round(picture.width * zoom)), max(1, round(picture.height * zoom)))
    if size == picture.size:
        return picture
    # From 3 times on the pixels show as squares: what the detector had, not a smoothed guess.
    method = Image.Resampling.NEAREST if zoom >= 3 else Image.Resampling.BICUBIC
    return picture.resize(size, method)


def whole_zoom(side: float, smallest: int) -> int:
    """The whole number, at most 100, that brings `side` to `smallest`; 1 when it is there."""
    return min(100, max(1, math.ceil(smallest / side)))


def check_count(name: str, value: object) -> None:
    """Raise `ParameterError` unless `value` is None or a number of things to draw."""
    if value is not None:
        check_integer(name, value, 0, 2**31 - 1)


def _colour(pixels: Any) -> NDArray[Any] | None:
    """The (H, W, 3) colours, or None when the image is grey."""
    if isinstance(pixels, Image.Image):
        grey = pixels.mode in ("1", "L", "LA", "La", "F") or pixels.mode.startswith("I")
        return None if grey else np.asarray(pixels.convert("RGB"))
    if not isinstance(pixels, np.ndarray):
        tensor = pixels.detach().cpu()
        pixels = np.asarray(tensor.float() if tensor.is_floating_point() else tensor)
        pixels = np.moveaxis(pixels, 0, -1)
    return pixels[:, :, :3] if pixels.ndim == 3 and pixels.shape[2] >= 3 else None


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    return (0.0, 1.0) if dtype.kind in "bf" else (0.0, float(np.iinfo(dtype).max))
