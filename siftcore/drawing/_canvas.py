"""Antialiased strokes on a picture, and the legend under it.

Positions are continuous canvas coordinates: (0, 0) is the corner of the canvas, and canvas pixel
``i`` covers ``[i, i + 1)``. A point of an image whose pixel centres are integers, shown `zoom`
times as large, lies at ``(x + 0.5) * zoom``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["BACKGROUND", "Colour", "Key", "Stroke", "add_legend", "draw_strokes", "stroke_unit"]

Colour = tuple[int, int, int]

BACKGROUND: Colour = (24, 26, 30)
_TEXT: Colour = (236, 238, 241)
_BAND_SAMPLES = 12_000_000  # 36 MB of RGB: what the supersampled part of a canvas may take
_MINIMUM_WIDTH = 360  # canvas pixels, so that a legend has room under the narrowest image


@dataclass(frozen=True)
class Stroke:
    """A line from (x0, y0) to (x1, y1), or a circle about (x0, y0) when `radius` is given.

    `width` is that of the line, and 0 for a circle that is filled; `opacity` is from 0 to 1;
    `dash` is the length of a line's dashes, None when it is whole.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    width: float
    colour: Colour
    opacity: float = 1.0
    dash: float | None = None
    radius: float | None = None

    @property
    def rows(self) -> tuple[float, float]:
        """First and last canvas row that it may touch."""
        reach = self.width + (self.radius or 0.0) + 1.0
        return min(self.y0, self.y1) - reach, max(self.y0, self.y1) + reach


@dataclass(frozen=True)
class Key:
    """One entry of the legend: a text, with a sample of its line in front when `colour` is set."""

    text: str
    colour: Colour | None = None
    dashed: bool = False
    thin: bool = False


def stroke_unit(width: int, height: int) -> float:
    """Thickness of a thin line, in canvas pixels, that is seen when the canvas fills a screen."""
    return max(1.0, math.hypot(width, height) / 1400)


def draw_strokes(canvas: Image.Image, strokes: Sequence[Stroke]) -> None:
    """Paint `strokes` in their order, antialiased; untouched pixels keep their exact values.

    The canvas is enlarged, painted and averaged in bands, so that memory stays within some tens
    of megabytes for any canvas.
    """
    pixels = canvas.width * canvas.height
    scale = 4 if pixels < 3_000_000 else 3 if pixels < 9_000_000 else 2
    band = max(8, _BAND_SAMPLES // (canvas.width * scale * scale))
    extents = np.array([stroke.rows for stroke in strokes]).reshape(-1, 2)
    for top in range(0, canvas.height, band):
        bottom = min(top + band, canvas.height)
        touching = np.flatnonzero((extents[:, 0] < bottom) & (extents[:, 1] > top))
        if not len(touching):
            continue
        part = canvas.crop((0, top, canvas.width, bottom))
        large = part.resize((part.width * scale, part.height * scale), Image.Resampling.NEAREST)
        pen = ImageDraw.Draw(large, "RGBA")
        for index in touching:
            _paint(pen, strokes[int(index)], top, scale)
        canvas.paste(large.reduce(scale), (0, top))


def _paint(pen: ImageDraw.ImageDraw, stroke: Stroke, top: int, scale: int) -> None:
    width = max(1, round(stroke.width * scale))
    colour = (*stroke.colour, round(255 * stroke.opacity))
    if stroke.radius is None:
        for line in _dashes(stroke):
            # Pillow's integer coordinates are pixel centres, half a sample from the corner's.
            ends = [round(value * scale - 0.5) for value in line]
            ends = [ends[0], ends[1] - top * scale, ends[2], ends[3] - top * scale]
            pen.line(ends, fill=colour, width=width)
        return
    x0, y0 = stroke.x0 * scale, (stroke.y0 - top) * scale
    outer = (stroke.radius + stroke.width / 2) * scale
    box = [round(x0 - outer), round(y0 - outer), round(x0 + outer) - 1, round(y0 + outer) - 1]
    box = [box[0], box[1], max(box[0], box[2]), max(box[1], box[3])]
    if stroke.width == 0 or stroke.width >= stroke.radius:
        pen.ellipse(box, fill=colour)
    else:
        pen.ellipse(box, outline=colour, width=width)


def _dashes(stroke: Stroke) -> Iterator[tuple[float, float, float, float]]:
    """Ends of the stroke's dashes: about as many as fit, with shorter gaps, to its very ends."""
    dx, dy = stroke.x1 - stroke.x0, stroke.y1 - stroke.y0
    length = math.hypot(dx, dy)
    if stroke.dash is None or length <= stroke.dash:
        yield stroke.x0, stroke.y0, stroke.x1, stroke.y1
        return
    gap = 2 / 3 * stroke.dash
    n_dashes = max(1, round((length + gap) / (stroke.dash + gap)))
    period = (1 + gap / length) / n_dashes
    for index in range(n_dashes):
        a, b = index * period, min(1.0, (index + 0.6) * period)
        yield stroke.x0 + a * dx, stroke.y0 + a * dy, stroke.x0 + b * dx, stroke.y0 + b * dy


def add_legend(picture: Image.Image, keys: Sequence[Key]) -> Image.Image:
    """`picture` with a strip under it that explains the lines; entries wrap as needed.

    A picture narrower than the legend can be is centred on a wider canvas.
    """
    width = max(picture.width, _MINIMUM_WIDTH)
    size = max(12.0, 13.0 * stroke_unit(width, picture.height))
    longest = max(_text_width(key.text, size) for key in keys)
    size *= min(1.0, (width - 5 * size) / longest)
    font = ImageFont.load_default(size)
    line_height, sample = round(1.9 * size), 2.2 * size

    placed: list[tuple[float, int, Key]] = []
    x, row = size, 0
    for key in keys:
        needed = _text_width(key.text, size) + (sample + 0.6 * size if key.colour else 0.0)
        if x > size and x + needed > width - size:
            x, row = size, row + 1
        placed.append((x, row, key))
        x += needed + 2.0 * size

    canvas = Image.new("RGB", (width, picture.height + (row + 1) * line_height), BACKGROUND)
    canvas.paste(picture, ((width - picture.width) // 2, 0))
    strip = canvas.crop((0, picture.height, width, canvas.height))
    pen = ImageDraw.Draw(strip)
    strokes: list[Stroke] = []
    for left, row, key in placed:
        middle = (row + 0.5) * line_height
        if key.colour is not None:
            thickness = size / (9.0 if key.thin else 4.5)
            dash = 0.65 * size if key.dashed else None
            strokes.append(
                Stroke(left, middle, left + sample, middle, thickness, key.colour, dash=dash)
            )
            left += sample + 0.6 * size
        pen.text((left, middle), key.text, fill=_TEXT, font=font, anchor="lm")
    draw_strokes(strip, strokes)
    canvas.paste(strip, (0, picture.height))
    return canvas


def _text_width(text: str, size: float) -> float:
    return ImageFont.load_default(size).getlength(text)
