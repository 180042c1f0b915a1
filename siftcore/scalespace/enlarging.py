"""Enlarged images and stacks: bicubic ones, and what a user's function makes, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import ParameterError, ProviderError

__all__ = [
    "SUPER_RESOLVED_BLUR",
    "call_function",
    "checked_scale",
    "found_scale",
    "upscale_bicubic",
]

# Blur of a super-resolved image, in its own pixels: that of the original it stands for.
SUPER_RESOLVED_BLUR = 0.5


def upscale_bicubic(image: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Bicubic interpolation (Keys, a = -0.5) on the area grid, as Pillow and MATLAB do it.

    Parameters
    ----------
    image : ndarray, (H, W) float32
    scale : int

    Returns
    -------
    ndarray, (scale H, scale W) float32
        May overshoot the range of `image`.
    """
    height, width = image.shape
    size = (scale * width, scale * height)
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), np.float32)


def call_function(
    function: Callable[[NDArray[np.float32]], Any], image: NDArray[np.float32], name: str, ndim: int
) -> NDArray[np.float32]:
    """What the user's function makes of a copy of `image`, checked and as float32."""
    result = function(image.copy())
    if type(result).__module__.partition(".")[0] == "torch":
        result = result.detach().cpu().float().numpy()
    result = np.asarray(result)
    if result.ndim != ndim or result.dtype.kind != "f":
        form = "(H, W)" if ndim == 2 else "(levels, H, W)"
        raise ProviderError(
            f"provider {name!r}: its function must return floats of shape {form}; "
            f"got {result.dtype} of shape {result.shape}"
        )
    result = np.ascontiguousarray(result, np.float32)
    if not np.isfinite(result).all():
        raise ProviderError(f"provider {name!r}: its function returned NaN or infinity")
    return result


def found_scale(
    result: NDArray[np.float32], image: NDArray[np.float32], scale: int | None, name: str
) -> int:
    """The upsampling factor, which must be one integer along both axes."""
    height, width = image.shape
    found = max(1, round(result.shape[-1] / width)) if scale is None else scale
    if result.shape[-2:] != (found * height, found * width):
        factor = "an integer factor" if scale is None else f"{scale}"
        raise ProviderError(
            f"provider {name!r}: its function must enlarge both sides of a {height} x {width} "
            f"image by {factor}; got {result.shape[-2]} x {result.shape[-1]}"
        )
    return found


def checked_scale(scale: int | None) -> int | None:
    """The factor that a user gave, or `ParameterError`."""
    if scale is not None and (isinstance(scale, bool) or scale not in range(1, 17)):
        raise ParameterError("scale", scale, "an integer from 1 to 16, or None to find out")
    return scale
