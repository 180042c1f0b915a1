"""What a provider's cost buys: recall and correct matches beside seconds and multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.intervals import Estimate
from bench.preservation import CORRECT, RECALL
from bench.report import Report, Table
from bench.result_files import Result

__all__ = ["Cost", "add_trade_off", "pareto_front"]

_KEY = "query"


@dataclass(frozen=True)
class Cost:
    """Of one provider.

    Attributes
    ----------
    multiply_adds : int or None
        Of its networks, a pixel of the input.
    seconds : float
        Of detection and description.
    """

    multiply_adds: int | None
    seconds: float


def pareto_front(costs: Sequence[float], gains: Sequence[float]) -> list[bool]:
    """Whether nobody is as cheap and as good, and cheaper or better.

    Parameters
    ----------
    costs, gains : sequence of float, (N,)

    Returns
    -------
    list of bool, (N,)

    Examples
    --------
    >>> pareto_front([1.0, 2.0, 3.0], [0.3, 0.7, 0.6])
    [True, True, False]
    """
    points = list(zip(costs, gains, strict=True))
    return [
        not any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)
        for cost, gain in points
    ]


def add_trade_off(report: Report, costs: Mapping[str, Cost], results: Mapping[str, Result]) -> None:
    """Add the table "Cost and what it buys", or a note that there is nothing to put into it.

    Parameters
    ----------
    report : Report
    costs : mapping of str to Cost
        By provider.
    results : mapping of str to Result
        By file name; each table of a ``preservation-*`` is a task with a Pareto front of its own.
    """
    tasks = {
        table.title.removeprefix("Low-resolution query, "): bought
        for stem, result in results.items()
        if stem.startswith("preservation")
        for table in result.report.tables
        if (bought := _bought(table, costs))
    }
    if not tasks:
        report.notes.append(
            "No preservation-*.json in the folder of results has a provider of this table, so "
            "nothing is said of what the cost buys."
        )
        return
    table = report.table(
        "Cost and what it buys", "provider", "query", "multiply-adds a pixel", "features, s",
        RECALL, CORRECT, "Pareto front",
    )  # fmt: skip
    for task, bought in tasks.items():
        front = pareto_front(
            [costs[name].seconds for name in bought],
            [_mean(recall) for recall, _ in bought.values()],
        )
        for (name, (recall, correct)), best in zip(bought.items(), front, strict=True):
            cost = costs[name]
            table.add(name, task, cost.multiply_adds, cost.seconds, recall, correct, best)
    report.notes.append(
        "Pareto front: no other provider of the same query is as fast with as much recall, and "
        "faster or with more. Seconds are of the image of this benchmark, recall and matches of "
        "the images of `preservation`."
    )


def _bought(table: Table, costs: Mapping[str, Cost]) -> dict[str, tuple[Any, Any]]:
    """Recall and correct matches of the providers whose cost is known."""
    if not {_KEY, RECALL, CORRECT} <= set(table.columns):
        return {}
    key, recall, correct = (table.columns.index(name) for name in (_KEY, RECALL, CORRECT))
    return {
        row[key]: (row[recall], row[correct])
        for row in table.rows
        # A row that failed says so in words.
        if row[key] in costs and isinstance(row[recall], (int, float, Estimate))
    }


def _mean(cell: Any) -> float:
    return float(cell.mean if isinstance(cell, Estimate) else cell)
