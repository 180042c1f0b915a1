"""Two images to match: as given, or one and a turned, reduced copy of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.errors import InputError, ParameterError
from siftcore.validation import check_number

__all__ = ["REDUCTIONS", "Pair", "pair_of_copy"]

REDUCTIONS = (2, 4)
# Below this no octave is left that is worth matching.
_SMALLEST_SIDE = 16


@dataclass(frozen=True)
class Pair:
    """What is matched.

    Attributes
    ----------
    image_a, image_b : PIL.Image.Image
        8 bits, grey or RGB.
    b_to_a : ndarray, (3, 3) float64, or None
        True positions in `image_a` of points of `image_b`, homogeneous, pixel centres at
        integers; None where they are not known.
    """

    image_a: Image.Image
    image_b: Image.Image
    b_to_a: NDArray[np.float64] | None = None


def pair_of_copy(image: Image.Image, reduction: int, angle_deg: float = 0.0) -> Pair:
    """An image, and its copy turned about the centre and reduced.

    The copy shows the largest part of the image's shape that has no empty corners once turned.

    Parameters
    ----------
    image : PIL.Image.Image
        8 bits, grey or RGB.
    reduction : {2, 4}
        Pixels of the image per pixel of the copy, each way.
    angle_deg : float, default 0
        -180 to 180; positive turns what the copy shows counter-clockwise.

    Returns
    -------
    Pair
        With `b_to_a` known.

    Raises
    ------
    ParameterError
        An angle or a reduction out of range.
    InputError
        When the copy would have a side below 16 pixels.
    """
    if reduction not in REDUCTIONS:
        raise ParameterError("reduction", reduction, "2 or 4")
    angle = math.radians(check_number("angle_deg", angle_deg, -180.0, 180.0))
    cos, sin = math.cos(angle), math.sin(angle)
    width, height = image.size
    share = min(
        width / (width * abs(cos) + height * abs(sin)),
        height / (width * abs(sin) + height * abs(cos)),
    )
    # The slack keeps 512 from becoming 510 by rounding, where nothing is turned.
    small = [math.floor(share * side / reduction + 1e-9) for side in image.size]
    if min(small) < _SMALLEST_SIDE:
        raise InputError(
            f"an image of {width} x {height} pixels is too small to be reduced by {reduction} "
            f"(turned by {angle_deg:g} degrees): its copy would be {small[0]} x {small[1]}, and "
            f"{_SMALLEST_SIDE} are needed each way; use a larger image or give a second one"
        )
    turned_size = (small[0] * reduction, small[1] * reduction)
    linear = np.array([[cos, -sin], [sin, cos]])
    centre_a = (np.array(image.size) - 1) / 2
    centre_turned = (np.array(turned_size) - 1) / 2
    if angle == 0.0:
        # On whole pixels: what is cut off stays what it was.
        offset = np.floor(centre_a - centre_turned)
    else:
        offset = centre_a - linear @ centre_turned
    # Pillow's coordinates have their origin at the first pixel's corner, half a pixel away.
    corner = offset + 0.5 - linear @ np.array([0.5, 0.5])
    turned = image.transform(
        turned_size,
        Image.Transform.AFFINE,
        (linear[0, 0], linear[0, 1], corner[0], linear[1, 0], linear[1, 1], corner[1]),
        Image.Resampling.NEAREST if angle == 0.0 else Image.Resampling.BICUBIC,
    )
    copy = turned.resize((small[0], small[1]), Image.Resampling.BICUBIC)
    # The centre of a pixel of the copy lies between those of the pixels that it covers.
    shift = np.full(2, (reduction - 1) / 2)
    b_to_a = np.eye(3)
    b_to_a[:2, :2] = reduction * linear
    b_to_a[:2, 2] = linear @ shift + offset
    return Pair(image, copy, b_to_a)
