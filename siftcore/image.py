"""From whatever a user holds to the one form that providers take: (H, W) float32 grey in [0, 1]."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import ImageReadError, InputError, InputTypeError, ParameterError
from siftcore.image_files import pil_pixels, read_pixels, reading_failed
from siftcore.nodata import fill_black
from siftcore.tensors import tensor_values

__all__ = ["check_mask", "check_shape", "check_type", "load_image", "to_grey"]

# ITU-R BT.601, as OpenCV and Pillow weigh RGB.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Rounding in a user's own scaling may overshoot [0, 1] by this much.
_RANGE_SLACK = 1e-6
_SCALED_INTEGERS = (np.uint8, np.uint16)
# Far inside float32, so that neither a bound nor the scaling overflows.
_LARGEST_BOUND = 1e30
_SMALLEST_SPAN = 1e-30
_TAKES = "a path, a PIL image, or an array (H, W) or (H, W, 1|3|4) of bool, uint8, uint16 or float"


def _as_array(image: Any) -> NDArray[Any]:
    if isinstance(image, (str, Path, os.PathLike)):
        return read_pixels(image)
    if isinstance(image, Image.Image):
        try:
            return pil_pixels(image)
        except Exception as error:
            name = getattr(image, "filename", "") or "a PIL image"
            raise ImageReadError(name, reading_failed(error)) from None
    if isinstance(image, np.ndarray):
        return image
    if type(image).__module__.partition(".")[0] == "torch" and hasattr(image, "detach"):
        return _channels_last(tensor_values(image, "image"))
    raise InputTypeError(f"image must be {_TAKES}, or a torch tensor; got {type(image).__name__}")


def _channels_last(tensor: NDArray[Any]) -> NDArray[Any]:
    """The pixels of a tensor, whose errors speak of its own shape."""
    shape = tensor.shape
    if tensor.ndim == 2:
        return tensor
    if tensor.ndim == 3 and shape[0] in (1, 3, 4):
        return np.moveaxis(tensor, 0, -1)
    advice = ""
    if tensor.ndim == 3 and shape[2] in (1, 3, 4):
        advice = "; for channels last use image.permute(2, 0, 1)"
    elif tensor.ndim == 4:
        advice = "; it is a batch: pass its images one at a time, as in [extract(i) for i in batch]"
    raise InputError(f"tensor must have shape (H, W) or (1|3|4, H, W); got {shape}{advice}")


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise `InputError` unless it is that of an image."""
    if 0 in shape:
        raise InputError(f"image must have at least one pixel; got shape {shape}")
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)):
        return
    advice = ""
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        advice = "; for channels first use image.transpose(1, 2, 0)"
    elif len(shape) == 3:
        advice = "; choose one band, image[..., i], or three, image[..., [r, g, b]]"
    elif len(shape) == 4:
        advice = "; pass one image at a time"
    raise InputError(f"image must have shape (H, W) or (H, W, 1|3|4); got {shape}{advice}")


def check_type(dtype: np.dtype[Any], value_range: tuple[float, float] | None) -> None:
    """Raise unless samples of that type can be taken as intensities."""
    _scaling(dtype, value_range)


def _scaling(dtype: np.dtype[Any], value_range: tuple[float, float] | None) -> tuple[float, float]:
    """The values that stand for black and white."""
    kind = dtype.kind
    if kind not in "buif":
        raise InputTypeError(
            f"image must be of bool, uint8, uint16 or float values; got dtype {dtype}"
        )
    if value_range is not None:
        try:
            low, high = (float(bound) for bound in value_range)
        except (TypeError, ValueError):
            raise ParameterError("value_range", value_range, "a pair (black, white)") from None
        within = max(abs(low), abs(high)) <= _LARGEST_BOUND and high - low >= _SMALLEST_SPAN
        if not (np.isfinite(low) and np.isfinite(high) and within):
            raise ParameterError(
                "value_range",
                value_range,
                f"finite with black < white, from {_SMALLEST_SPAN:g} apart to {_LARGEST_BOUND:g}",
            )
        return low, high
    if kind == "b" or kind == "f":
        return 0.0, 1.0
    # Whatever the order of the bytes: big-endian TIFF files keep theirs.
    if dtype.newbyteorder("=") in _SCALED_INTEGERS:
        return 0.0, float(np.iinfo(dtype).max)
    raise InputTypeError(
        f"image of dtype {dtype}: the values of black and white are unknown; "
        "pass value_range=(black, white), or convert to uint8, uint16 or float"
    )


def _check_values(grey: NDArray[np.float32], array: NDArray[Any], value_range: object) -> None:
    low, high = float(grey.min()), float(grey.max())
    # A NaN anywhere makes both NaN.
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int((~np.isfinite(grey)).sum())
        raise InputError(
            f"image must be finite; {bad} of {grey.size} pixels are NaN or infinite; "
            "pass np.ma.masked_invalid(image), which leaves them out"
        )
    if value_range is None and (low < -_RANGE_SLACK or high > 1.0 + _RANGE_SLACK):
        raise InputError(
            f"float image must lie in [0, 1]; got values from {float(array.min()):g} to "
            f"{float(array.max()):g}; pass value_range=(black, white)"
        )


def load_image(image: Any, value_range: tuple[float, float] | None = None) -> NDArray[np.float32]:
    """Grey intensities in [0, 1] of any image that siftcore takes.

    Parameters
    ----------
    image : path, PIL image, ndarray or torch tensor
        Arrays (H, W) or (H, W, 1|3|4), tensors (H, W) or (C, H, W); RGB order, alpha ignored.
        Integers are divided by their dtype's maximum, floats are taken as [0, 1]. What a masked
        array masks is black.
    value_range : (float, float), optional
        Values of black and white, where they differ from that. What lies outside is clipped.

    Returns
    -------
    ndarray, (H, W) float32, C-contiguous
        A fresh array, or `image` itself where it is already of this form.

    Raises
    ------
    InputTypeError
        Not an image, a dtype whose range is unknown (complex, object, int32 without
        `value_range`), or a tensor that NumPy cannot hold.
    InputError
        Empty, of a wrong shape, NaN or infinite, or floats outside [0, 1] without `value_range`.
    ImageReadError
        The file cannot be read.
    """
    array = _as_array(image)
    check_shape(array.shape)
    check_type(array.dtype, value_range)
    return to_grey(fill_black(array, value_range), value_range)


def to_grey(
    array: NDArray[Any], value_range: tuple[float, float] | None = None
) -> NDArray[np.float32]:
    """Grey intensities in [0, 1] of an array of pixels, or of some of its rows.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, 1|3|4)
    value_range : (float, float), optional

    Returns
    -------
    ndarray, (H, W) float32, C-contiguous
    """
    low, high = _scaling(array.dtype, value_range)
    scale = np.float32(1.0 / (high - low))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    # What float32 cannot hold becomes an infinity, which is refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        grey, scale = _weighed(array, low, scale)
    if array.dtype.kind == "f":
        # Before any scaling or clipping, which would hide a NaN or an infinity.
        _check_values(grey, array, value_range)
    if low != 0.0:
        grey = grey - np.float32(low)
    if scale != 1.0:
        grey = grey * scale
    if value_range is not None:
        grey = grey.clip(0.0, 1.0)
    return np.ascontiguousarray(grey)


def _weighed(
    array: NDArray[Any], low: float, scale: np.float32
) -> tuple[NDArray[np.float32], np.float32]:
    """Grey values, and the factor that is still to be applied.

    Each line converts and computes in one pass, because fresh memory is slow to come by.
    """
    if array.ndim == 3:
        # One channel at a time: a matrix product rounds differently for some rows than for all.
        grey = np.multiply(array[..., 0], _LUMA[0], dtype=np.float32)
        for weight, channel in zip(_LUMA[1:], (1, 2), strict=True):
            grey += np.multiply(array[..., channel], weight, dtype=np.float32)
        return grey, scale
    if low == 0.0 and array.dtype.kind != "f":
        return np.multiply(array, scale, dtype=np.float32), np.float32(1.0)
    return array.astype(np.float32, copy=False), scale


def check_mask(mask: Any, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """The mask as booleans, or None.

    Parameters
    ----------
    mask : array_like, (H, W), bool or numbers; path or PIL image; or None
        Keypoints are kept where it is not zero. A picture in colour is zero where it is black.
    shape : (int, int)
        Height and width of the image.

    Raises
    ------
    InputError
        When the shapes differ, or the file cannot be read.
    InputTypeError
        When it is no array, or of another type.
    """
    if mask is None:
        return None
    if isinstance(mask, (str, Path, os.PathLike, Image.Image)):
        pixels = _as_array(mask)
        mask = pixels.any(axis=2) if pixels.ndim == 3 else pixels
    try:
        array = tensor_values(mask, "mask") if hasattr(mask, "detach") else np.asarray(mask)
    except ValueError as error:  # rows of different lengths
        raise InputTypeError(f"mask must be an array (H, W); {error}") from None
    if array.dtype.kind not in "buif":
        raise InputTypeError(f"mask must be of bool or numbers; got dtype {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.shape != shape:
        raise InputError(f"mask must have the image's shape (H, W) = {shape}; got {array.shape}")
    allowed: NDArray[np.bool_] = array != 0
    return allowed
