"""The figures of ``docs/scaling.md``, worked out from ``bench/results/batches.json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.batches import PARTS, RATES
from bench.page_parts import fill_parts
from bench.report import Table
from bench.result_files import Result, find_table, read_result
from siftcore.errors import InputError

__all__ = ["write"]

_CORES = 1000
# A core hour, as prices of rented machines are.
_SECONDS = 3600


def write(results: Path, page: Path) -> None:
    """Fill in the page's parts; the rest stays as it is.

    Raises
    ------
    InputError
        When the result is missing or lacks a table, or the page lacks a part.
    """
    result = read_result(results / "batches.json")
    parts, rates = (_table(result, title) for title in (PARTS, RATES))
    fill_parts(
        page,
        {
            "measured": [_measured(result), parts.markdown(), rates.markdown()],
            "cost": [_cost(rates, parts).markdown(), *_worked(rates, parts)],
            "limits": [_limits(rates, parts).markdown()],
        },
    )


def _table(result: Result, title: str) -> Table:
    table = find_table(result, title)
    if table is None:
        raise InputError(f"the result has no table {title!r}; run `python -m bench batches` anew")
    return table


def _measured(result: Result) -> str:
    about = result.environment
    return (
        f"`{result.report.command}` on {about['machine']}, {about['cores']} cores, "
        f"{about['system']}, Python {about['python']}. {' '.join(result.report.notes)}"
    )


def _kinds(rates: Table, parts: Table) -> Iterator[tuple[str, float, float, dict[str, Any]]]:
    """Provider and size, images a second of a core when all work, ms of assembly, the parts."""
    for row in parts.rows:
        part = dict(zip(parts.columns, row, strict=True))
        found = [dict(zip(rates.columns, r, strict=True)) for r in rates.rows if r[:2] == row[:2]]
        busiest = max(found, key=lambda rate: rate["workers"])
        rate, assembly = busiest["images/s a core"], busiest["assembly ms an image"]
        yield f"{row[0]}, {row[1]}", rate, assembly, part


def _cost(rates: Table, parts: Table) -> Table:
    table = Table(
        "What images cost",
        [
            "provider, size", "images/s a core", "core hours a million", "core hours a billion",
            "features of a million, TB", "of a billion, TB", "JPEG of a billion, TB",
        ],
    )  # fmt: skip
    for kind, rate, _, part in _kinds(rates, parts):
        million = 1e6 / rate / _SECONDS
        stored, read = part["feature bytes"], part["JPEG bytes"]
        table.add(kind, rate, million, 1e3 * million, stored / 1e6, stored / 1e3, read / 1e3)
    return table


def _worked(rates: Table, parts: Table) -> Iterator[str]:
    kind, rate, _, part = next(_kinds(rates, parts))
    million = 1e6 / rate / _SECONDS
    yield (
        f"The first row, worked out: 1,000,000 images / {rate:.4g} images a second / 3600 seconds "
        f"= {million:.4g} core hours; a billion is a thousand times that, "
        f"{1e3 * million / _CORES / 24:.3g} days of {_CORES} cores. An image of {kind} gives "
        f"{part['keypoints']:.0f} keypoints in {part['feature bytes']:.0f} bytes, "
        f"{part['feature bytes'] / part['keypoints']:.0f} a keypoint; times 10^9, over 10^12, "
        f"{part['feature bytes'] / 1e3:.4g} TB."
    )


def _limits(rates: Table, parts: Table) -> Table:
    table = Table(
        "Where the bottleneck is",
        [
            "provider, size", "decode, % of an image", "read by 1000 cores, Gbit/s",
            "written by 1000 cores, Gbit/s", "cores that one writer serves",
            "cores for which assembly takes as long as the rest", "cores that fill 10 Gbit/s",
        ],
    )  # fmt: skip
    for kind, rate, assembly, part in _kinds(rates, parts):
        work = part["decode ms"] + part["extract ms"]
        read, written = (8e-9 * rate * part[f"{what} bytes"] for what in ("JPEG", "feature"))
        table.add(
            kind,
            100 * part["decode ms"] / work,
            _CORES * read,
            _CORES * written,
            int(1e3 / part["write ms"] / rate),
            int(1e3 / assembly / rate),
            int(10 / (read + written)),
        )
    return table
