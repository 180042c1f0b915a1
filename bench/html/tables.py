"""Tables as the page shows them: aligned numbers, small intervals, keys to sort by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isfinite, log10
from typing import Any

from bench.html.results import number
from bench.intervals import Estimate
from bench.report import Table

__all__ = ["Cell", "ShownTable", "show_table"]

# Beyond this ratio fixed decimals would leave the small numbers without digits.
_WIDE_RANGE = 100.0
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Attributes
    ----------
    text : str
    interval : str
        Empty where there is none.
    sort : str
        A number; empty where the cell holds none, which sorts last.
    span : int
        Columns that it covers.
    """

    text: str
    interval: str = ""
    sort: str = ""
    span: int = 1


@dataclass(frozen=True)
class ShownTable:
    """A table ready for the template.

    Attributes
    ----------
    title : str
    columns : list of (str, bool)
        Name, and whether it holds numbers.
    rows : list of list of Cell
    note : str
        What the intervals are; empty without any.
    """

    title: str
    columns: list[tuple[str, bool]]
    rows: list[list[Cell]]
    note: str


def show_table(table: Table) -> ShownTable:
    """A table with the digits of its columns chosen."""
    # Decibels are quoted with two decimals.
    least = [2 if "dB" in f"{table.title} {name}" else 0 for name in table.columns]
    columns = [_column([row[i] for row in table.rows], n) for i, n in enumerate(least)]
    numeric = [any(number(row[i]) is not None for row in table.rows) for i in range(len(columns))]
    shown = zip(table.rows, zip(*columns, strict=True), strict=True)
    return ShownTable(
        table.title,
        list(zip(table.columns, numeric, strict=True)),
        [_spread(row, list(cells)) for row, cells in shown],
        _interval_note(table),
    )


def _spread(row: Sequence[Any], cells: list[Cell]) -> list[Cell]:
    """The words of a row that holds nothing else, such as why it failed, over all its columns."""
    if len(row) < 3 or not isinstance(row[1], str) or any(cell is not None for cell in row[2:]):
        return cells
    return [cells[0], replace(cells[1], span=len(row) - 1)]


def _column(values: Sequence[Any], least: int) -> list[Cell]:
    known = [v for v in map(number, values) if v is not None]
    whole = all(isinstance(v, int) for v in values if number(v) is not None)
    decimals = None if whole else _decimals(known, least)
    return [_cell(value, whole, decimals) for value in values]


def _decimals(known: Sequence[float], least: int) -> int | None:
    """Digits after the point of a whole column; None where each number needs its own.

    The largest number gets three digits and the smallest two. With negative numbers the column
    holds differences: there a small number is a small difference and needs no digits of its own.
    """
    sizes = [abs(value) for value in known if value]
    if not sizes:
        return None
    largest, smallest = max(sizes), min(sizes)
    if largest <= 1.0 and smallest >= 0.0005:
        return 3
    if min(known) < 0:
        smallest = largest
    if largest > _WIDE_RANGE * smallest:
        return None
    decimals = max(least, 2 - floor(log10(largest)), 1 - floor(log10(smallest)))
    return decimals if decimals <= _MOST_DECIMALS else None


def _cell(value: Any, whole: bool, decimals: int | None) -> Cell:
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, str):
        return Cell(value)
    known = number(value)
    if known is None:
        return Cell("\N{EN DASH}")
    if whole:
        return Cell(_digits(known, 0), sort=repr(value))
    interval = ""
    if isinstance(value, Estimate) and isfinite(value.low) and isfinite(value.high):
        low, high = _digits(value.low, decimals), _digits(value.high, decimals)
        # A dash between signed numbers reads as a sign.
        between = " to " if value.low < 0 else "\N{EN DASH}"
        interval = f"{low}{between}{high}"
    return Cell(_digits(known, decimals), interval, repr(known))


def _digits(value: float, decimals: int | None) -> str:
    if decimals is None:
        # A power of ten only where nothing else is readable.
        text = f"{value:,.0f}" if 100.0 <= abs(value) < 1e7 else f"{value:.3g}"
    else:
        text = f"{value:,.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _interval_note(table: Table) -> str:
    found = (cell for row in table.rows for cell in row if isinstance(cell, Estimate))
    counts = {cell.n for cell in found if isfinite(cell.low)}
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    n = f"{low}" if low == high else f"{low} to {high}"
    return f"Small: 95 % bootstrap interval of the mean of {n} values."
