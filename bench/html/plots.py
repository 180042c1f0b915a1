"""The plots of the page: cost, reduction, levels and spectra."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from bench.dog_levels import DOGS
from bench.html.figure import INK, MUTED, SERIES, inline_svg
from bench.html.labels import LabelledPoint, label_points
from bench.html.results import ShownResult, family, number
from bench.html.selection import (
    RECALL,
    cells,
    cost_table,
    gain_tables,
    preservation_tables,
    spectra,
)
from bench.intervals import Estimate
from bench.preservation import HIGH
from bench.report import Table
from bench.trade_off import pareto_front

__all__ = ["Panel", "PlotGroup", "make_plots"]

# Fixed, so that a provider looks the same on every page.
_FAMILIES = ("method3", "bicubic", "vdsr", "srgan", "method2", "dog", "edsr", "method1", "srcnn")
_MARKERS = "oDs^vPX*<"
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


@dataclass(frozen=True)
class Panel:
    """One drawing with its title."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class PlotGroup:
    """Drawings that answer one question, and how to read them."""

    title: str
    caption: str
    panels: list[Panel]


def make_plots(results: Sequence[ShownResult]) -> list[PlotGroup]:
    """All plots for which the tables are there."""
    groups = [_costs(results), _reductions(results), _levels(results), _spectra(results)]
    return [group for group in groups if group.panels]


def _style(name: str, known: Sequence[str] = _FAMILIES) -> dict[str, Any]:
    # A name of someone else's still gets the same look on every page.
    i = known.index(name) if name in known else len(known) + zlib.crc32(name.encode()) % 100
    return {
        "color": SERIES[i % len(SERIES)],
        "marker": _MARKERS[i % len(_MARKERS)],
        "linestyle": _DASHES[i % len(_DASHES)],
    }


def _error_bars(line: Sequence[Any]) -> list[list[float]]:
    """Lengths below and above the means, as matplotlib wants them."""
    known = [c if isinstance(c, Estimate) and c.low <= c.mean <= c.high else None for c in line]
    below = [c.mean - c.low if c else 0.0 for c in known]
    return [below, [c.high - c.mean if c else 0.0 for c in known]]


def _costs(results: Sequence[ShownResult]) -> PlotGroup:
    panels: list[Panel] = []
    found = cost_table(results)
    if found is not None:
        table, megapixels = found
        seconds = {k: number(v) for k, v in cells(table, "features, s").items()}
        axes = {"multiply-adds a pixel of the input": cells(table, "multiply-adds a pixel")}
        if megapixels:
            per = {name: value / megapixels for name, value in seconds.items() if value}
            axes = {"seconds per megapixel of the input": per} | axes
        for label, costs in axes.items():
            for scale, recall in preservation_tables(results).items():
                panels += _cost_panel(label, costs, scale, cells(recall, RECALL))
    return PlotGroup(
        "Recall against cost",
        "Share of the high-resolution keypoints that come back, with 95 % intervals. The dashed "
        "line joins the Pareto front: no provider on it is beaten by a cheaper one. Providers "
        "without a network have no multiply-adds.",
        panels,
    )


def _cost_panel(
    label: str, costs: Mapping[str, Any], scale: int, recall: Mapping[str, Any]
) -> Iterator[Panel]:
    points = {
        name: (number(costs[name]), number(cell))
        for name, cell in recall.items()
        if number(costs.get(name))
    }
    if len(points) < 2:
        return

    def draw(axes: Axes) -> None:
        on_front = pareto_front(*zip(*points.values(), strict=True))
        front = sorted(p for p, best in zip(points.values(), on_front, strict=True) if best)
        axes.plot(*zip(*front, strict=True), color=MUTED, linestyle=(0, (2, 2)), linewidth=1.2)
        for name, (cost, gain) in points.items():
            style = _style(family(name)) | {"linestyle": "none"}
            axes.errorbar(cost, gain, _error_bars([recall[name]]), elinewidth=1.3, **style)
        axes.margins(0.16, 0.12)
        axes.set_xscale("log")
        _log_ticks(axes)
        axes.set(xlabel=label, ylabel="recall of high-resolution keypoints")
        ends = {name: _error_bars([recall[name]]) for name in points}
        label_points(
            axes,
            [
                LabelledPoint(x, y, name, y - ends[name][0][0], y + ends[name][1][0])
                for name, (x, y) in points.items()
            ],
        )

    title = f"Reduction {scale}: {label.partition(' of')[0]}"
    key = f"cost-{scale}-{label.split(' ', 1)[0].replace('-', '')}"
    yield Panel(title, inline_svg(draw, key, f"Recall against {label}, reduction {scale}"))


def _log_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    steps = (1.0, 2.0, 5.0) if high < 1000.0 * low else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _reductions(results: Sequence[ShownResult]) -> PlotGroup:
    found = preservation_tables(results)
    panels = []
    for column in ("AUC@3", "AUC@5"):
        series: dict[str, list[tuple[int, Any]]] = {}
        for scale, table in found.items():
            areas = cells(table, column)
            for name, cell in areas.items():
                if name == HIGH:
                    continue
                line = series.setdefault(family(name), [])
                if not line and HIGH in areas:
                    line.append((1, areas[HIGH]))
                line.append((scale, cell))
        if series:
            panels.append(_reduction_panel(column, series))
    return PlotGroup(
        "Homography AUC against reduction",
        "Area under the recall curve of the corner error, up to 3 and 5 pixels, with 95 % "
        "intervals. At reduction 1 stands the high-resolution image itself, the same for all; "
        "“dog” reads the low-resolution image as it is.",
        panels,
    )


def _reduction_panel(column: str, series: Mapping[str, Sequence[tuple[int, Any]]]) -> Panel:
    def draw(axes: Axes) -> None:
        for i, (name, line) in enumerate(series.items()):
            # Apart by a little, so that no interval hides another.
            apart = 1.0 + 0.018 * (i - (len(series) - 1) / 2)
            x = [scale if scale == 1 else scale * apart for scale, _ in line]
            y = [number(cell) for _, cell in line]
            bars = _error_bars([cell for _, cell in line])
            axes.errorbar(x, y, bars, elinewidth=1.1, label=name, **_style(name))
        scales = sorted({scale for line in series.values() for scale, _ in line})
        axes.set_xscale("log", base=2)
        axes.set_xticks(scales, [str(scale) for scale in scales])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="reduction of the query", ylabel=column)

    key = "auc-" + column.partition("@")[2]
    return Panel(column, inline_svg(draw, key, f"{column} against reduction, by provider"))


def _levels(results: Sequence[ShownResult]) -> PlotGroup:
    panels = []
    for scale, table in gain_tables(results).items():
        columns = {level: cells(table, level) for level in DOGS}
        measured = [name for name in columns["D1"] if "paper" not in name]
        lines = {
            name: [columns[level][name] for level in DOGS]
            for name in measured
            if all(name in found for found in columns.values())
        }
        if lines:
            panels.append(_level_panel(scale, lines))
    return PlotGroup(
        "Gain in DoG PSNR by level",
        "Over bicubic enlargement, with 95 % intervals. D1 is the finest difference of Gaussians, "
        "D4 the coarsest of the octave.",
        panels,
    )


def _level_panel(scale: int, lines: Mapping[str, Sequence[Any]]) -> Panel:
    def draw(axes: Axes) -> None:
        axes.axhline(0.0, color=INK, linewidth=0.8)
        for i, (name, line) in enumerate(lines.items()):
            x = [level + 0.07 * (i - (len(lines) - 1) / 2) for level in range(len(DOGS))]
            y = [number(cell) for cell in line]
            style = _style(family(name))
            axes.errorbar(x, y, _error_bars(line), elinewidth=1.1, label=name, **style)
        axes.set_xticks(range(len(DOGS)), DOGS)
        axes.set(xlabel="level", ylabel="gain over bicubic, dB")

    title = f"Enlargement x{scale}"
    return Panel(title, inline_svg(draw, f"gain-{scale}", f"Gain in DoG PSNR by level, x{scale}"))


def _spectra(results: Sequence[ShownResult]) -> PlotGroup:
    panels = [_spectrum_panel(i, table) for i, table in enumerate(spectra(results))]
    return PlotGroup(
        "Spectra",
        "Radially averaged. A blurred level holds less at high frequencies, so there is less to "
        "predict than in the image itself. By provider: power of D1 and of its error beside the "
        "true D1's; an error of 0 dB is that of predicting nothing.",
        panels,
    )


def _spectrum_panel(i: int, table: Table) -> Panel:
    names = table.columns[1:]

    def draw(axes: Axes) -> None:
        for column, name in enumerate(names, 1):
            points = [(number(row[0]), number(row[column])) for row in table.rows]
            known = [(x, y) for x, y in points if x is not None and y is not None]
            if known:
                known_family = family(name) in _FAMILIES
                style = _style(family(name)) if known_family else _style(name, names)
                style["marker"] = "none"
                axes.plot(*zip(*known, strict=True), label=name, **style)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set(xlabel="cycles per pixel", ylabel="dB")

    return Panel(table.title, inline_svg(draw, f"spectrum-{i}", table.title))
