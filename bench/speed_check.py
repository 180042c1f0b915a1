"""Whether anything became slower, by ratios to other programs on the same machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.report import Report
from bench.result_files import read_result

__all__ = ["LARGEST_LOSS", "losses", "read_ratios"]

# Of a ratio; runs on one idle machine differ by half of it.
LARGEST_LOSS = 0.15


# Table, row and column.
Cell = tuple[str, str, str]


def read_ratios(path: Path) -> dict[Cell, float]:
    """Our ratios to other programs in a file of results.

    Raises
    ------
    InputError
        When the file is missing or no result.
    """
    return dict(_ratios(read_result(path).report))


def losses(report: Report, before: Mapping[Cell, float]) -> list[str]:
    """What has lost more than `LARGEST_LOSS` against earlier ratios.

    Compared are the columns ``over ...`` of the tables that both have. A ratio to another program
    depends on the machine much less than seconds do.

    Returns
    -------
    list of str
        A line each; empty if nothing has.
    """
    found = []
    for key, now in _ratios(report):
        then = before.get(key)
        if then is not None and now > then * (1.0 + LARGEST_LOSS):
            table, row, column = key
            found.append(f"{table}: {row}: {column} {now:.3f}, was {then:.3f}")
    return found


def _ratios(report: Report) -> Iterator[tuple[Cell, float]]:
    """Ratios of our own rows by table, row and column."""
    for table in report.tables:
        for i, column in enumerate(table.columns):
            if not column.startswith("over ") or column.startswith("over the "):
                continue
            for row in table.rows:
                # Where programs are rows, the others' ratios are not ours to keep.
                ours = table.columns[0] != "program" or row[0] == "siftcore"
                if ours and isinstance(row[i], float):
                    yield (table.title, str(row[0]), column), row[i]
