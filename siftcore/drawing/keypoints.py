"""Keypoints on their image."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from siftcore.drawing._canvas import Key, Stroke, add_legend, draw_strokes, stroke_unit
from siftcore.drawing._display import (
    check_count,
    enlarge,
    load_display,
    whole_zoom,
)
from siftcore.types import Features
from siftcore.validation import check_number

__all__ = ["draw_keypoints"]

_COLOUR = (255, 221, 51)
_HALO = (16, 16, 20)
_SMALLEST_CANVAS = 640


def draw_keypoints(
    image: Any,
    features: Features,
    *,
    radius: float = 3.0,
    max_drawn: int | None = 1000,
    zoom: float | None = None,
    value_range: tuple[float, float] | None = None,
) -> Image.Image:
    """Draw each keypoint as a circle of `radius` sigmas with a line along its angle.

    The line goes from the centre to the circle, in the direction atan2(dy, dx) with y down. A
    strip under the image says how many keypoints there are, and how many are drawn.

    Parameters
    ----------
    image : path, PIL image, ndarray or torch tensor
        The image that `features` were extracted from, as `siftcore.extract` takes it.
    features : Features
        What to draw.
    radius : float, default 3
        Radius of a circle in units of the keypoint's sigma. 3 is the side of one of the
        descriptor's 4 x 4 cells; the edge of the blob that SIFT found is at sqrt(2).
    max_drawn : int or None, default 1000
        Draw at most this many, those of largest response; None draws all.
    zoom : float or None, default None
        Canvas pixels per image pixel, 0.01 to 100. None enlarges an image whose long side is
        below 640 by a whole number, and leaves others as they are. Pixel (x, y) of the image has
        its centre at ((x + 0.5) * zoom, (y + 0.5) * zoom) of the canvas.
    value_range : (float, float) or None, default None
        What is shown black and white; None means the dtype's range, [0, 1] for floats.

    Returns
    -------
    PIL.Image.Image
        An RGB picture.

    Raises
    ------
    InputError
        When `image` is not of the size that `features` say, or an option is out of its range.
    InputTypeError
        When `image` is of a type that is not an image.

    Examples
    --------
    >>> import numpy as np
    >>> from siftcore.types import Features
    >>> draw_keypoints(np.zeros((48, 64)), Features.empty((64, 48), "dog")).width
    640
    """
    radius = check_number("radius", radius, 0.1, 100)
    check_count("max_drawn", max_drawn)
    picture = load_display(image, features.image_size, value_range)
    if zoom is None:
        zoom = whole_zoom(max(picture.size), _SMALLEST_CANVAS)
    zoom = check_number("zoom", zoom, 0.01, 100)
    picture = enlarge(picture, zoom)

    drawn = features if max_drawn is None else features.top(max_drawn)
    # Large circles first, so that none hides a smaller one.
    drawn = drawn[np.argsort(-drawn.sigma, kind="stable")]
    draw_strokes(picture, _strokes(drawn, radius, zoom, stroke_unit(*picture.size)))

    n_all, n_drawn = len(features), len(drawn)
    keys = [Key(f"{n_all} keypoint{'' if n_all == 1 else 's'} ({features.provider})", _COLOUR)]
    if n_drawn < n_all:
        keys.append(Key(f"drawn {n_drawn} of {n_all}, the strongest"))
    keys.append(Key(f"circle: {radius:g} sigma"))
    return add_legend(picture, keys)


def _strokes(features: Features, radius: float, zoom: float, unit: float) -> list[Stroke]:
    centre = (features.xy.astype(np.float64) + 0.5) * zoom
    size = features.sigma.astype(np.float64) * radius * zoom
    tip = centre + size[:, None] * np.stack([np.cos(features.angle), np.sin(features.angle)], 1)
    # A small circle keeps its true radius and gets a finer line, or it would be a dot.
    width = np.clip(0.35 * size, 0.8, 1.6 * unit)
    strokes: list[Stroke] = []
    for (x, y), (tip_x, tip_y), r, w in zip(centre, tip, size, width, strict=True):
        for thickness, colour in ((2.2 * w, _HALO), (w, _COLOUR)):
            strokes.append(Stroke(x, y, x, y, thickness, colour, radius=r))
            strokes.append(Stroke(x, y, tip_x, tip_y, thickness, colour))
    return strokes
