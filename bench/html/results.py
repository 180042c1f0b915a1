"""The results that the page shows, and how their cells and names are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from bench.intervals import Estimate
from bench.report import Report, Table
from bench.result_files import read_result
from bench.session import Session
from siftcore.errors import InputError

__all__ = ["ShownResult", "family", "number", "readable_results", "tables"]

_ORDER = (
    "preservation", "psnr", "matching", "cost", "ablations", "repeatability", "warps", "spectrum",
    "paper", "conformance", "speed", "startup", "runtimes", "demo",
)  # fmt: skip


@dataclass(frozen=True)
class ShownResult:
    """One file of results.

    Attributes
    ----------
    name : str
        The file's name without its suffix, such as ``"psnr-x2"``.
    report : Report
    environment : mapping
        Machine and versions that the figures come from.
    date : str
        Day of the run, ISO 8601.
    """

    name: str
    report: Report
    environment: Mapping[str, Any]
    date: str


def readable_results(folder: Path, session: Session) -> list[ShownResult]:
    """All results of a folder, the main ones first.

    Files that are no results are skipped and noted in `session`.

    Raises
    ------
    InputError
        When the folder is missing, or nothing in it is a result.
    """
    if not folder.is_dir():
        raise InputError(
            f"no folder {str(folder)!r}; expected one with what `python -m bench NAME --json FILE` "
            "wrote"
        )
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise InputError(
            f"no JSON file in {str(folder)!r}; write one with `python -m bench NAME --json FILE`"
        )
    found = [result for _, result in session.readable(paths, _read)]
    if not found:
        raise session.nothing_left("result")
    return sorted(found, key=lambda result: (_rank(result), result.name))


def _rank(result: ShownResult) -> int:
    name = result.report.name
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _read(path: Path) -> ShownResult:
    found = read_result(path)
    return ShownResult(path.stem, found.report, found.environment, found.date)


def number(cell: Any) -> float | None:
    """The mean of an `Estimate`, a finite number as it is; None for all else."""
    value = cell.mean if isinstance(cell, Estimate) else cell
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return float(value)


def family(name: str) -> str:
    """A provider's name without its scale: ``"method3"`` of ``"method3-x2"``."""
    return re.sub(r"-x\d+", "", name, count=1)


def tables(results: Sequence[ShownResult], benchmark: str) -> Iterator[tuple[ShownResult, Table]]:
    """All tables of a benchmark, in the order of the files."""
    for result in results:
        if result.report.name == benchmark:
            for table in result.report.tables:
                yield result, table
