"""Pixels without a value: of masked arrays, and of rasterio's datasets by nodata, alpha or a mask.

They are taken as black, and keypoints on them are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_black", "has_gaps", "valid_pixels"]


def valid_pixels(image: Any) -> NDArray[np.bool_] | None:
    """Where an image has values, (H, W) bool; None where it has them everywhere.

    Parameters
    ----------
    image : any
        What `siftcore.extract` takes. A pixel of several bands is valid where all of them are.
    """
    if isinstance(image, np.ma.MaskedArray):
        if image.mask is np.ma.nomask:
            return None
        valid: NDArray[np.bool_] = ~np.ma.getmaskarray(image)
        return np.asarray(valid.all(axis=2)) if valid.ndim == 3 else valid
    return np.asarray(image.dataset_mask()) != 0 if has_gaps(image) else None


def has_gaps(dataset: Any) -> bool:
    """Whether a rasterio dataset says of some pixels that they have no value."""
    flags = getattr(dataset, "mask_flag_enums", ())
    return any(flag.name != "all_valid" for band in flags for flag in band)


def fill_black(array: NDArray[Any], value_range: tuple[float, float] | None) -> NDArray[Any]:
    """A masked array's data with black for what is masked; any other array as it is."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if array.mask is np.ma.nomask:
        return np.asarray(array.data)
    black = 0.0 if value_range is None else float(value_range[0])
    if array.dtype.kind in "ui":
        limits = np.iinfo(array.dtype)
        black = min(max(np.floor(black), limits.min), limits.max)
    masked: Any = array
    return np.asarray(masked.filled(np.asarray(black).astype(array.dtype)))
