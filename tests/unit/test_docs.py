"""The documentation: its Python blocks run, page by page, and its links lead somewhere."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siftcore.scalespace import registry
from tests.contract.blobs import assert_truthful, measure

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WITH_CODE = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]*)\)")

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def executable(page: Path) -> str:
    """The page's Python blocks at their line numbers, so that a traceback names the right one."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for fence in FENCE.finditer(text):
        if fence[1] == "python":
            first = text.count("\n", 0, fence.start(2))
            code = fence[2].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, motorcycle: Pair) -> Path:
    """A folder with the two photographs that the pages name, and a registry to be changed."""
    for name, pixels in zip(("left.png", "right.png"), motorcycle, strict=True):
        Image.fromarray(pixels).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    return tmp_path


def run(page: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "docs"}
    exec(compile(executable(page), str(page), "exec"), names)
    return names


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub and myst make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
@pytest.mark.usefixtures("workplace")
def test_python_blocks_run(page: Path) -> None:
    if "import torch" in executable(page):
        pytest.importorskip("torch", reason="the page uses torch")
    run(page)


@pytest.mark.usefixtures("workplace")
def test_the_example_provider_keeps_the_contract() -> None:
    provider = run(ROOT / "docs" / "providers.md")["LanczosX2"]()
    assert_truthful(measure(provider))


def test_there_are_pages_with_code() -> None:
    assert {page.stem for page in WITH_CODE} >= {"start", "conventions", "providers", "geometry"}
    assert any("siftcore" in line for line in executable(WITH_CODE[0]).splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_say_what_they_are(page: Path) -> None:
    # A block without an info string is neither run nor known not to be.
    text = page.read_text(encoding="utf-8")
    assert text.count("```") % 2 == 0
    opened = re.findall(r"^ *```(\S*)", text, re.MULTILINE)[::2]
    assert set(opened) <= {"python", "sh", "text", "toml", "{toctree}", "{eval-rst}"}


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "theory").glob("*.md")), ids=lambda page: page.stem
)
def test_functions_that_the_theory_names_are_there(page: Path) -> None:
    for dotted in re.findall(r"`(siftcore(?:\.\w+)+)`", page.read_text(encoding="utf-8")):
        module, _, name = dotted.rpartition(".")
        assert hasattr(importlib.import_module(module), name), dotted
