"""The marked parts of pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.page_parts import fill_parts, part_names
from siftcore.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PAGE = "# Title\n\n{}\n\nbetween\n\n{}\n\nafter\n"


def part(name: str, content: str = "") -> str:
    return f"<!-- figures: {name} -->\n{content}<!-- end -->"


def test_parts_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE.format(part("b", "old\n\nolder\n"), part("a")))
    fill_parts(path, {"a": ["first", "second"], "b": ["| table |"]})
    expected = PAGE.format(part("b", "\n| table |\n\n"), part("a", "\nfirst\n\nsecond\n\n"))
    assert path.read_text() == expected
    fill_parts(path, {"a": ["first", "second"], "b": ["| table |"]})
    assert path.read_text() == expected


@pytest.mark.parametrize(
    ("names", "wrong"),
    [(("a",), "b"), (("a", "b", "c"), "c"), (("a", "b", "a"), "a"), ((), "a")],
)
def test_a_page_with_other_parts_stays_as_it_is(
    tmp_path: Path, names: tuple[str, ...], wrong: str
) -> None:
    text = "\n".join(part(name) for name in names)
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(InputError, match=rf"a, b; '<!-- figures: {wrong} -->' .* times"):
        fill_parts(tmp_path / "page.md", {"a": [], "b": []})
    assert (tmp_path / "page.md").read_text() == text


def test_no_page_has_a_mark_that_is_in_no_part() -> None:
    found = {}
    for path in ROOT.glob("docs/**/*.md"):
        text = path.read_text("utf-8")
        if count := text.count("<!-- figures: "):
            assert len(part_names(text)) == count == text.count("<!-- end -->"), path
            found[path.name] = sorted(part_names(text))
    assert found == {"retrieval.md": ["retrieval"], "scaling.md": ["cost", "limits", "measured"]}
