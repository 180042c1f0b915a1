"""Names beside points, kept off each other, the points and their error bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from bench.html.figure import INK

__all__ = ["LabelledPoint", "label_points"]

_SIZE = 10.5
# Offset in points and horizontal alignment; the first that is free is taken.
_PLACES = (
    (9, -4, "left"), (-9, -4, "right"), (7, 8, "left"), (-7, 8, "right"),
    (7, -18, "left"), (-7, -18, "right"), (0, 10, "center"), (0, -18, "center"),
)  # fmt: skip


class LabelledPoint(NamedTuple):
    """A point, its name, and the ends of its error bar; in data coordinates."""

    x: float
    y: float
    text: str
    low: float
    high: float


def label_points(axes: Axes, points: Sequence[LabelledPoint]) -> None:
    """Write each text beside its point, once the limits of the axes are final."""
    axes.figure.draw_without_rendering()
    at, low, high = (
        axes.transData.transform([(p.x, y) for p, y in zip(points, ys, strict=True)])
        for ys in ([p.y for p in points], [p.low for p in points], [p.high for p in points])
    )
    taken = [Bbox.from_bounds(u - 5, v - 5, 10, 10) for u, v in at]
    taken += [Bbox([(u - 2, v0), (u + 2, v1)]) for (u, v0), (_, v1) in zip(low, high, strict=True)]
    frame = axes.get_window_extent()
    for (u, v), point in zip(at, points, strict=True):
        boxes = [_box(u + du, v + dv, point.text, side) for du, dv, side in _PLACES]
        free = [
            i for i, box in enumerate(boxes)
            if not box.count_overlaps(taken) and frame.x0 < box.x0 and box.x1 < frame.x1
        ]  # fmt: skip
        chosen = free[0] if free else 0
        du, dv, side = _PLACES[chosen]
        taken.append(boxes[chosen])
        axes.annotate(
            point.text, point[:2], (du, dv), textcoords="offset points", ha=side, color=INK,
            fontsize=_SIZE,
        )  # fmt: skip


def _box(u: float, v: float, text: str, side: str) -> Bbox:
    # The reader's font is unknown; most are no wider than this.
    width = 0.6 * _SIZE * len(text)
    left = {"left": 0.0, "center": -width / 2, "right": -width}[side]
    return Bbox.from_bounds(u + left, v - 2, width, _SIZE + 2)
