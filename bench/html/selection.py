"""The tables that the summary and the plots are made of, found by title and by columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bench.dog_levels import DOGS
from bench.html.results import ShownResult, number, tables
from bench.preservation import RECALL
from bench.report import Table

__all__ = [
    "RECALL", "cells", "cost_table", "gain_tables", "preservation_tables", "spectra",
]  # fmt: skip


def cells(table: Table, column: str) -> dict[str, Any]:
    """The cells of a column by the name of their row; rows without a number are left out."""
    if column not in table.columns:
        return {}
    index = table.columns.index(column)
    return {str(row[0]): row[index] for row in table.rows if number(row[index]) is not None}


def preservation_tables(results: Sequence[ShownResult]) -> dict[int, Table]:
    """One table a reduction: clean images at 1000 keypoints, or what comes nearest."""
    found: dict[int, tuple[int, Table]] = {}
    for _, table in tables(results, "preservation"):
        scale = _scale(table.title)
        if scale is None or RECALL not in table.columns:
            continue
        fit = ("clean" in table.title) + (" 1000 keypoints" in table.title)
        if scale not in found or fit > found[scale][0]:
            found[scale] = fit, table
    return {scale: found[scale][1] for scale in sorted(found)}


def gain_tables(results: Sequence[ShownResult]) -> dict[int, Table]:
    """Gains in DoG PSNR over bicubic enlargement by reduction, measured here."""
    found: dict[int, Table] = {}
    for _, table in tables(results, "psnr"):
        scale = _scale(table.title)
        measured = "Gain" in table.title and "paper" not in table.title
        if scale is not None and measured and set(DOGS) <= set(table.columns):
            found.setdefault(scale, table)
    return {scale: found[scale] for scale in sorted(found)}


def cost_table(results: Sequence[ShownResult]) -> tuple[Table, float | None] | None:
    """The first table of costs, and the megapixels of its input where the settings tell them."""
    for result, table in tables(results, "cost"):
        if "features, s" in table.columns:
            return table, _megapixels(result.report.settings)
    return None


def spectra(results: Sequence[ShownResult]) -> Iterator[Table]:
    """Tables of radially averaged spectra."""
    for _, table in tables(results, "spectrum"):
        if table.columns[0] == "cycles per pixel":
            yield table


def _scale(title: str) -> int | None:
    found = re.search(r"\bx(\d+)\b", title)
    return int(found[1]) if found else None


def _megapixels(settings: dict[str, Any]) -> float | None:
    for value in settings.values():
        size = re.search(r"\b(\d+) ?x ?(\d+)\b", value) if isinstance(value, str) else None
        if size:
            return int(size[1]) * int(size[2]) / 1e6
    if {"width", "height"} <= set(settings):
        return float(settings["width"]) * float(settings["height"]) / 1e6
    return None
