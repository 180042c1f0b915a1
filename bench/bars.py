"""Bars: what is asked of each benchmark, and whether the results reach it.

``bench/bars.json`` holds them. An entry names a file of results, the title of a table in it, its
rows (by their first cell; without ``rows`` every row), and what is asked of which column: a number,
or the best of other rows of the same table. A figure that was published for one set of images is
asked of that set only: ``settings`` and ``n`` say which. So nobody has to keep the list of defeats
by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from bench.intervals import Estimate
from bench.report import Table
from bench.result_files import Result, find_table
from siftcore.errors import InputError

__all__ = ["Bar", "Verdict", "judge", "read_bars"]

BARS = Path(__file__).parent / "bars.json"
_BEST = {">=": max, "<=": min}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What is asked of one column.

    Attributes
    ----------
    what : str
        In words, for the reader.
    file : str
        Of the results, without ``.json``.
    table : str
        Its title.
    rows : tuple of str or None
        First cells; None for every row.
    column : str
    relation : {">=", "<="}
    asked : float or tuple of str
        The value, or the rows whose best is the value.
    source : str
        Whose value it is.
    settings : mapping of str to Any
        What the results' settings must say, such as their data.
    n : int, optional
        Values that the measured mean must be of.
    """

    what: str
    file: str
    table: str
    rows: tuple[str, ...] | None
    column: str
    relation: str
    asked: float | tuple[str, ...]
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A bar held against one row.

    Attributes
    ----------
    bar : Bar
    row : str
        Empty where the bar names no row and the table is missing.
    asked : float or None
    measured : float, Estimate or None
    met : bool or None
        None where it was not measured.
    reason : str
        Why it was not.
    """

    bar: Bar
    row: str
    asked: float | None = None
    measured: float | Estimate | None = None
    met: bool | None = None
    reason: str = ""


def read_bars(path: Path = BARS) -> list[Bar]:
    """All bars, one a column.

    Raises
    ------
    InputError
        When the file is missing or an entry is not as the module describes it.
    """
    try:
        return [bar for entry in json.loads(path.read_text("utf-8")) for bar in _bars(entry)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{str(path)!r} is no list of bars: {type(error).__name__}: {error}; an entry has "
            "what, file, table, relation (>= or <=), asked (column to number or rows), source, and "
            "perhaps rows, settings and n"
        ) from error


def _bars(entry: dict[str, Any]) -> Iterator[Bar]:
    if entry["relation"] not in _BEST:
        raise ValueError(f"relation {entry['relation']!r} of {entry['what']!r}")
    rows = entry.get("rows")
    common = {key: value for key, value in entry.items() if key not in ("asked", "rows")}
    for column, asked in entry["asked"].items():
        wanted = tuple(asked) if isinstance(asked, list) else float(asked)
        yield Bar(**common, rows=None if rows is None else tuple(rows), column=column, asked=wanted)


def judge(bars: Sequence[Bar], results: Mapping[str, Result]) -> list[Verdict]:
    """Every bar against the results, in the order of the bars; none is left out.

    Parameters
    ----------
    bars : sequence of Bar
    results : mapping of str to Result
        By file name, as `bench.result_files.read_results` gives them.
    """
    return [verdict for bar in bars for verdict in _judged(bar, results.get(bar.file))]


def _judged(bar: Bar, result: Result | None) -> Iterator[Verdict]:
    table = None if result is None else find_table(result, bar.table)
    reason = _why_not(bar, result, table)
    if reason or table is None:
        for row in bar.rows or ("",):
            yield Verdict(bar=bar, row=row, reason=reason)
        return
    for row in bar.rows or [str(row[0]) for row in table.rows]:
        yield _compared(bar, table, row)


def _why_not(bar: Bar, result: Result | None, table: Table | None) -> str:
    """Why the bar cannot be held against these results; empty where it can."""
    if result is None:
        return f"there is no {bar.file}.json"
    for name, wanted in bar.settings.items():
        found = result.report.settings.get(name)
        if found != wanted:
            return f"{bar.file}.json is of {name} {found}, not {wanted}"
    if table is None:
        return f"{bar.file}.json has no table {bar.table!r}"
    if bar.column not in table.columns:
        return f"the table {bar.table!r} has no column {bar.column!r}"
    return ""


def _compared(bar: Bar, table: Table, row: str) -> Verdict:
    measured, reason = _cell(table, row, bar.column)
    if measured is None:
        return Verdict(bar=bar, row=row, reason=reason)
    if bar.n is not None and not (isinstance(measured, Estimate) and measured.n == bar.n):
        n = measured.n if isinstance(measured, Estimate) else 1
        reason = f"{bar.file}.json has a mean of {n} values there, not of {bar.n}"
        return Verdict(bar=bar, row=row, reason=reason)
    if isinstance(bar.asked, float):
        asked = bar.asked
    else:
        rivals = []
        for name in bar.asked:
            cell, reason = _cell(table, name, bar.column)
            if cell is None:
                return Verdict(bar=bar, row=row, reason=reason)
            rivals.append(_value(cell))
        asked = _BEST[bar.relation](rivals)
    # It is met where it is the better of the two.
    met = _BEST[bar.relation](_value(measured), asked) == _value(measured)
    return Verdict(bar=bar, row=row, asked=asked, measured=measured, met=met)


def _cell(table: Table, name: str, column: str) -> tuple[float | Estimate | None, str]:
    """The number in a row, or None and why there is none."""
    row = next((row for row in table.rows if str(row[0]) == name), None)
    if row is None:
        return None, f"the table {table.title!r} has no row {name!r}"
    cell = row[table.columns.index(column)]
    number = isinstance(cell, (int, float, Estimate)) and not isinstance(cell, bool)
    if number and isfinite(_value(cell)):
        return cell, ""
    said = [text for text in row[1:] if isinstance(text, str) and text.startswith("failed")]
    return None, f"{name!r} {said[0]}" if said else f"{name!r} has no number there"


def _value(cell: float | Estimate) -> float:
    return float(cell.mean if isinstance(cell, Estimate) else cell)
