"""Results read back: what `Report.write_json` wrote, checked against its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from bench.intervals import Estimate
from bench.report import Report, Table
from siftcore.errors import InputError, MissingDependencyError

__all__ = ["Result", "find_table", "read_result", "read_results"]

_SCHEMA = Path(__file__).parent / "results.schema.json"


@dataclass(frozen=True)
class Result:
    """One file.

    Attributes
    ----------
    environment : dict
        Machine and versions of the run, as `bench.report.environment` gives them.
    report : Report
    date : str
        Day of the run, ISO 8601.
    """

    environment: dict[str, Any]
    report: Report
    date: str


def read_results(folder: Path) -> dict[str, Result]:
    """All results of a folder, by file name without ``.json``, sorted.

    Raises
    ------
    InputError
        When the folder is missing, or a JSON file in it is no result.
    MissingDependencyError
        When jsonschema is not installed.
    """
    if not folder.is_dir():
        raise InputError(
            f"no folder {str(folder)!r}; expected one with results that "
            "`python -m bench NAME --json FILE` wrote"
        )
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def read_result(path: Path) -> Result:
    """One file.

    Raises
    ------
    InputError
        When it is no result.
    MissingDependencyError
        When jsonschema is not installed.
    """
    try:
        import jsonschema
    except ImportError as error:
        raise MissingDependencyError("jsonschema", "reading results", "bench") from error
    try:
        found = json.loads(path.read_text("utf-8"))
        jsonschema.validate(found, json.loads(_SCHEMA.read_text("utf-8")))
        report = Report(
            found["benchmark"],
            found["settings"],
            notes=found["notes"],
            skipped=found["skipped"],
            failed=found["failed"],
            command=found["command"],
        )
        for table in found["tables"]:
            made = report.table(table["title"], *table["columns"])
            for row in table["rows"]:
                made.add(*map(_cell, row))
    except jsonschema.ValidationError as error:
        raise _no_result(path, f"{error.json_path}: {error.message}") from error
    except (OSError, ValueError) as error:
        raise _no_result(path, str(error)) from error
    return Result(found["environment"], report, found["date"])


def _no_result(path: Path, reason: str) -> InputError:
    return InputError(
        f"{str(path)!r} is no result of a benchmark: {reason}; write it again with "
        "`python -m bench NAME --json FILE`, or move it elsewhere"
    )


def _cell(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    # JSON has no NaN: `Report` writes null for the mean of nothing, and for ends not known.
    if cell["mean"] is None:
        return None
    return Estimate(**{name: nan if value is None else value for name, value in cell.items()})


def find_table(result: Result, title: str) -> Table | None:
    """The first table of that title."""
    return next((table for table in result.report.tables if table.title == title), None)
