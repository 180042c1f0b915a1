"""The tables in ``docs/retrieval.md``, from ``bench/results/retrieval.json``."""

from __future__ import annotations

from pathlib import Path

from bench.page_parts import fill_parts
from bench.result_files import read_result

__all__ = ["write"]


def write(result: Path, page: Path) -> None:
    """Put the tables, notes and the machine of a result into the page's part ``retrieval``.

    Parameters
    ----------
    result : path
        What ``python -m bench retrieval --json`` wrote.
    page : path
        A Markdown file with that part.

    Raises
    ------
    InputError
        When the result is damaged, or the page has no such part.
    """
    found = read_result(result)
    settings = ", ".join(f"{key} {value}" for key, value in found.report.settings.items())
    about = found.environment
    block = [f"`{found.report.command}`, {found.date}:"]
    block += [table.markdown() for table in found.report.tables]
    block += [*found.report.notes, f"{about['machine']}, {about['cores']} cores. {settings}."]
    fill_parts(page, {"retrieval": block})
