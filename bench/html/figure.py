"""Matplotlib axes as inline SVG that follows the page's colours and type."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["INK", "MUTED", "SERIES", "inline_svg"]

# Matplotlib knows no CSS variables. These colours stand for them until the SVG is written; no
# plot uses them otherwise.
INK = "#010203"
MUTED = "#010204"
_RULE = "#010205"
SERIES = tuple(f"#0102{16 + i:02x}" for i in range(6))
_CSS = {INK: "currentColor", MUTED: "var(--muted)", _RULE: "var(--rule)"} | {
    colour: f"var(--series-{i + 1})" for i, colour in enumerate(SERIES)
}

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "siftcore",
    # One point is one unit of the SVG.
    "figure.dpi": 72,
    "font.family": ["sans-serif"],
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": _RULE,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.7,
    "xtick.color": _RULE,
    "ytick.color": _RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 2.4,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.5,
}


def inline_svg(draw: Callable[[Axes], None], key: str, description: str) -> Markup:
    """What `draw` puts on axes, as SVG to stand inside HTML.

    Parameters
    ----------
    draw : callable
        Draws on the axes it is given.
    key : str
        Unique on the page: begins every id, which would clash between drawings otherwise.
    description : str
        For readers who do not see it.

    Returns
    -------
    Markup
        Without a size: it fills the width it is given. Text stays text, in the page's font.
    """
    # The settings are read while artists are made and again while they are written.
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.6, 4.3), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        names = axes.get_legend_handles_labels()[1]
        if names:
            # What fits the width, filled evenly.
            rows = -(-sum(len(name) + 6 for name in names) // 60)
            figure.legend(loc="outside lower center", ncols=-(-len(names) // rows))
        written = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return Markup(_themed(_with_own_ids(written.getvalue(), key), str(escape(description))))


def _with_own_ids(svg: str, key: str) -> str:
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = svg.replace("url(#", f"url(#{key}-")
    return svg.replace('href="#', f'href="#{key}-')


def _themed(svg: str, description: str) -> str:
    for colour, css in _CSS.items():
        svg = svg.replace(colour, css)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    assert box is not None
    links = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {links} {box[0]} role="img" aria-label="{description}">{body.strip()}'
