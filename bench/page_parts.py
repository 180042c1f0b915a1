"""The marked parts of a page in ``docs/``, which are filled from results.

A part is what stands between two marks, each a line of its own::

    <!-- figures: cost -->

    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["fill_parts", "part_names"]

_PART = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def part_names(text: str) -> list[str]:
    """The names of a page's parts, in its order."""
    return [match[2] for match in _PART.finditer(text)]


def fill_parts(page: Path, parts: Mapping[str, Iterable[str]]) -> None:
    """Replace what stands in the parts of a page; the rest stays as it is.

    Parameters
    ----------
    page : path
        A Markdown file.
    parts : mapping of str to iterable of str
        Paragraphs and tables by the name of their part.

    Raises
    ------
    InputError
        When the page lacks one of the parts, has one more, or has one twice.
    """
    text = page.read_text("utf-8")
    names = part_names(text)
    for name in sorted({*parts, *names}):
        if names.count(name) != (name in parts):
            raise InputError(
                f"{str(page)!r} must have these parts, each once: {', '.join(sorted(parts))}; "
                f"'<!-- figures: {name} -->' to '<!-- end -->' is there {names.count(name)} times"
            )

    def filled(match: re.Match[str]) -> str:
        return "\n\n".join([match[1].rstrip(), *parts[match[2]], match[3]])

    with atomic_write(page) as temporary:
        temporary.write_text(_PART.sub(filled, text), "utf-8")
