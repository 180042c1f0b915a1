"""The documentation builds without a warning, and every public name is in its reference."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import siftcore

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("sphinx", "myst_parser", "numpydoc", "furo"):
        pytest.importorskip(package, exc_type=ImportError)
    out = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(out / "doctrees"), str(DOCS), str(out / "html")],
        env=os.environ | {"PYTHONPATH": str(DOCS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_every_page_is_built(pages: Path) -> None:
    for source in DOCS.rglob("*.md"):
        if "_build" not in source.parts:
            assert (pages / source.relative_to(DOCS)).with_suffix(".html").is_file(), source


def test_every_public_name_is_in_the_reference(pages: Path) -> None:
    text = "".join(
        page.read_text(encoding="utf-8") for page in (pages / "reference").glob("*.html")
    )
    places = ("siftcore", "siftcore.errors")
    for name in set(siftcore.__all__) - {"__version__"}:
        assert any(f'id="{place}.{name}"' in text for place in places), name
