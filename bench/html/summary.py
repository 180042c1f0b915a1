"""The main figures on one screen: the best provider of each measure beside its bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.html.results import ShownResult, number
from bench.html.selection import RECALL, cells, gain_tables, preservation_tables
from bench.preservation import HIGH
from bench.report import Table

__all__ = ["summary"]

_MEASURES = {
    RECALL: "Recall of high-resolution keypoints",
    "correct matches": "Correct matches",
    "AUC@5": "Homography AUC@5",
}
_AS_IT_IS = "dog"


def summary(results: Sequence[ShownResult]) -> Table | None:
    """A table of the best values, or None where nothing of it was measured.

    The best stands beside bicubic enlargement and the low-resolution image as it is, which it has
    to pass, and beside the high-resolution image, which it cannot be expected to.
    """
    table = Table(
        "The best of each measure, beside what it has to pass and what it aims at",
        ["measure", "reduction", "best provider", "its value", "bicubic", "low resolution as it is",
         "high resolution"],
    )  # fmt: skip
    table.rows.extend([*_preservation(results), *_gains(results)])
    return table if table.rows else None


def _preservation(results: Sequence[ShownResult]) -> Iterator[list[Any]]:
    for scale, table in preservation_tables(results).items():
        for column, measure in _MEASURES.items():
            found = cells(table, column)
            best = _best({k: v for k, v in found.items() if k not in (HIGH, _AS_IT_IS)})
            if best is not None:
                bounds = (f"bicubic-x{scale}", _AS_IT_IS, HIGH)
                yield [measure, scale, best, found[best], *map(found.get, bounds)]


def _gains(results: Sequence[ShownResult]) -> Iterator[list[Any]]:
    for scale, table in gain_tables(results).items():
        found = {k: v for k, v in cells(table, "D1").items() if "paper" not in k}
        best = _best(found)
        if best is not None:
            measure = "Gain in DoG PSNR over bicubic, finest level, dB"
            yield [measure, scale, best, found[best], None, None, None]


def _best(found: Mapping[str, Any]) -> str | None:
    return max(found, key=lambda name: number(found[name]) or 0.0) if found else None
