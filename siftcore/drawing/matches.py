"""Matches of two images, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siftcore.drawing._canvas import (
    BACKGROUND,
    Colour,
    Key,
    Stroke,
    add_legend,
    draw_strokes,
    stroke_unit,
)
from siftcore.drawing._display import (
    check_count,
    enlarge,
    load_display,
    whole_zoom,
)
from siftcore.types import MatchResult
from siftcore.validation import check_number

__all__ = ["draw_matches"]

# Okabe & Ito's sky blue, vermilion and yellow: told apart with any colour vision.
_INLIER: Colour = (86, 180, 233)
_OUTLIER: Colour = (255, 122, 20)
_UNVERIFIED: Colour = (240, 228, 66)
_HALO: Colour = (12, 14, 18)
_SMALLEST_CANVAS = 960
_WORTH_SCALING = 1.25


def draw_matches(
    image_a: Any,
    image_b: Any,
    result: MatchResult,
    *,
    max_lines: int | None = 200,
    zoom: float | None = None,
    value_range: tuple[float, float] | None = None,
) -> Image.Image:
    """Draw two images side by side and a line for each match.

    Inliers are solid and lie on top; outliers are thin, dashed and under them. Without a verified
    geometry all lines look alike, in a third colour. An image whose resolution is lower (by a
    quarter or more) is shown larger, so that it fits the frame of the other. A strip under the
    images gives the counts.

    Parameters
    ----------
    image_a, image_b : path, PIL image, ndarray or torch tensor
        The images that were matched, as `siftcore.match` takes them.
    result : MatchResult
        What to draw.
    max_lines : int or None, default 200
        Draw at most this many: evenly spaced matches, with the share of inliers kept, the same
        ones on every call; None draws all.
    zoom : float or None, default None
        Canvas pixels per pixel of the image of higher resolution, 0.01 to 100. None enlarges a
        pair that is less than 960 wide by a whole number, and leaves others as they are.
    value_range : (float, float) or None, default None
        What is shown black and white; None means the dtype's range, [0, 1] for floats.

    Returns
    -------
    PIL.Image.Image
        An RGB picture.

    Raises
    ------
    InputError
        When an image is not of the size that its features say, or an option is out of its range.
    InputTypeError
        When an image is of a type that is not an image.

    Examples
    --------
    >>> import siftcore
    >>> image = np.random.default_rng(0).random((96, 128))
    >>> result = siftcore.match(image, image[:, ::-1])
    >>> picture = draw_matches(image, image[:, ::-1], result)
    >>> picture.mode, picture.width > 960
    ('RGB', True)
    """
    if zoom is not None:
        zoom = check_number("zoom", zoom, 0.01, 100)
    check_count("max_lines", max_lines)
    first = load_display(image_a, result.features_a.image_size, value_range)
    second = load_display(image_b, result.features_b.image_size, value_range)
    pair = _Pair.of(first.size, second.size, zoom)
    canvas = pair.compose(first, second)

    inliers = result.inliers
    chosen = _thinned(len(result), inliers, max_lines)
    # Few lines are bold, many are fine: the ink on the canvas grows slower than their number.
    unit = stroke_unit(*canvas.size) * float(np.clip((60 / max(len(chosen), 1)) ** 0.35, 0.6, 1.3))
    ends = np.concatenate([pair.left(result.xy_a[chosen]), pair.right(result.xy_b[chosen])], 1)
    if inliers is None:
        draw_strokes(canvas, _match_strokes(ends, _UNVERIFIED, unit, outlier=False))
    else:
        good = inliers[chosen]
        strokes = _match_strokes(ends[~good], _OUTLIER, unit, outlier=True)
        draw_strokes(canvas, strokes + _match_strokes(ends[good], _INLIER, unit, outlier=False))
    return add_legend(canvas, _keys(result, len(chosen)))


@dataclass(frozen=True)
class _Pair:
    """Where two images lie on the canvas, and how large."""

    zoom_a: float
    zoom_b: float
    size: tuple[int, int]
    corner_a: tuple[int, int]
    corner_b: tuple[int, int]

    @classmethod
    def of(cls, size_a: tuple[int, int], size_b: tuple[int, int], zoom: float | None) -> _Pair:
        # The factor that makes one image as large as fits in the other's frame.
        grow_a = min(size_b[0] / size_a[0], size_b[1] / size_a[1])
        grow_b = min(size_a[0] / size_b[0], size_a[1] / size_b[1])
        zoom_a = grow_a if grow_a >= _WORTH_SCALING else 1.0
        zoom_b = grow_b if grow_b >= _WORTH_SCALING else 1.0
        if zoom is None:
            zoom = whole_zoom(size_a[0] * zoom_a + size_b[0] * zoom_b, _SMALLEST_CANVAS)
        shown_a = [max(1, round(side * zoom_a * zoom)) for side in size_a]
        shown_b = [max(1, round(side * zoom_b * zoom)) for side in size_b]
        gap = max(2, round(0.006 * (shown_a[0] + shown_b[0])))
        height = max(shown_a[1], shown_b[1])
        return cls(
            zoom_a * zoom,
            zoom_b * zoom,
            (shown_a[0] + gap + shown_b[0], height),
            (0, (height - shown_a[1]) // 2),
            (shown_a[0] + gap, (height - shown_b[1]) // 2),
        )

    def compose(self, first: Image.Image, second: Image.Image) -> Image.Image:
        canvas = Image.new("RGB", self.size, BACKGROUND)
        canvas.paste(enlarge(first, self.zoom_a), self.corner_a)
        canvas.paste(enlarge(second, self.zoom_b), self.corner_b)
        return canvas

    def left(self, xy: NDArray[np.float32]) -> NDArray[np.float64]:
        """Canvas positions of points of the first image."""
        return (xy.astype(np.float64) + 0.5) * self.zoom_a + self.corner_a

    def right(self, xy: NDArray[np.float32]) -> NDArray[np.float64]:
        """Canvas positions of points of the second image."""
        return (xy.astype(np.float64) + 0.5) * self.zoom_b + self.corner_b


def _thinned(
    n_matches: int, inliers: NDArray[np.bool_] | None, max_lines: int | None
) -> NDArray[np.intp]:
    """Rows of the matches to draw: evenly spaced, so that the picture is no better than the set."""
    if max_lines is None or n_matches <= max_lines:
        return np.arange(n_matches)
    if inliers is None:
        return np.arange(max_lines) * n_matches // max_lines
    good, bad = np.flatnonzero(inliers), np.flatnonzero(~inliers)
    n_good = round(max_lines * len(good) / n_matches)
    n_bad = max_lines - n_good
    kept_good = good[np.arange(n_good) * len(good) // max(n_good, 1)]
    kept_bad = bad[np.arange(n_bad) * len(bad) // max(n_bad, 1)]
    return np.sort(np.concatenate([kept_good, kept_bad]))


def _match_strokes(
    ends: NDArray[np.float64], colour: Colour, unit: float, *, outlier: bool
) -> list[Stroke]:
    width = (1.0 if outlier else 1.7) * unit
    dot = (1.9 if outlier else 2.4) * unit
    dash = 8.0 * unit if outlier else None
    strokes: list[Stroke] = []
    for x0, y0, x1, y1 in ends:
        strokes.append(Stroke(x0, y0, x1, y1, 1.9 * width, _HALO, opacity=0.35, dash=dash))
        strokes.append(Stroke(x0, y0, x1, y1, width, colour, opacity=0.85, dash=dash))
    for x, y in ends.reshape(-1, 2):
        strokes.append(Stroke(x, y, x, y, 0, _HALO, radius=dot + 0.45 * width + 0.4))
        strokes.append(Stroke(x, y, x, y, 0, colour, radius=dot))
    return strokes


def _keys(result: MatchResult, n_drawn: int) -> list[Key]:
    n_matches = len(result)
    if result.inliers is None:
        keys = [Key(f"{_count(n_matches, 'match', 'matches')}, not verified", _UNVERIFIED)]
    else:
        n_good = int(result.inliers.sum())
        keys = [
            Key(_count(n_good, "inlier", "inliers"), _INLIER),
            Key(
                _count(n_matches - n_good, "outlier", "outliers"),
                _OUTLIER,
                dashed=True,
                thin=True,
            ),
        ]
    if n_drawn < n_matches:
        keys.append(Key(f"drawn {n_drawn} of {n_matches}"))
    a, b = result.features_a, result.features_b
    keys.append(Key(f"keypoints: {len(a)} ({a.provider}) and {len(b)} ({b.provider})"))
    return keys


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
