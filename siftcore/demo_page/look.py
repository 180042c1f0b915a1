"""Colours, fonts and style of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["CSS", "make_theme"]

CSS = """
.gradio-container { max-width: 1120px !important; margin: 0 auto !important; }
.sift-status, .sift-error { margin: 0; padding: 0.5rem 0.75rem; border-radius: 6px; }
.sift-status { border-left: 4px solid var(--primary-500); }
.sift-error { border-left: 4px solid var(--error-text-color); color: var(--error-text-color); }
/* Its width is the page's, not the table's: on a phone the table scrolls, not the page. */
.sift-scroll { overflow-x: auto; contain: inline-size; }
table.sift-table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
table.sift-table th, table.sift-table td {
  padding: 0.4rem clamp(0.3rem, 0.8vw, 0.7rem); text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--border-color-primary);
}
table.sift-table th:first-child { text-align: left; }
table.sift-table th[scope=col] { white-space: normal; vertical-align: bottom; }
table.sift-table th { font-weight: 600; }
p.sift-note { margin: 0.4rem 0 0; color: var(--block-info-text-color); font-size: 0.85rem; }
"""


def make_theme() -> gr.themes.Base:
    """Fonts that every system has, so that none is asked for over the network."""
    import gradio as gr

    theme: gr.themes.Base = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    # Gradio's own are below the contrast of 4.5 that WCAG asks for.
    theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
    )
    return theme
