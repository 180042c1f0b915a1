"""The tables in ``docs/retrieval.md``, from ``bench/results/retrieval.json``."""

from __future__ import annotations

from pathlib import Path

from bench.result_files import read_result
from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["write"]

_BEGIN, _END = "<!-- tables -->", "<!-- end of tables -->"


def write(result: Path, page: Path) -> None:
    """Put the tables, notes and the machine of a result between the page's two marks.

    Parameters
    ----------
    result : path
        What ``python -m bench retrieval --json`` wrote.
    page : path
        A Markdown file with the marks in it.

    Raises
    ------
    InputError
        When the result is damaged, or the page has no such marks.
    """
    found = read_result(result)
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise InputError(f"{str(page)!r} must have the lines {_BEGIN!r} and {_END!r}")
    settings = ", ".join(f"{key} {value}" for key, value in found.report.settings.items())
    about = found.environment
    parts = [f"`{found.report.command}`, {found.date}:"]
    parts += [table.markdown() for table in found.report.tables]
    parts += [*found.report.notes, f"{about['machine']}, {about['cores']} cores. {settings}."]
    with atomic_write(page) as temporary:
        block = "\n\n".join([_BEGIN, *parts, _END])
        temporary.write_text(before + block + after, "utf-8")
