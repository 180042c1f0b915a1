"""The figures that Noor et al. report, as they print them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["paper_figures"]

_FILE = Path(__file__).parent / "paper_tables.json"


def paper_figures(table: str) -> dict[str, Any]:
    """One table of ``bench/paper_tables.json``, by its key there."""
    found: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))[table]
    return found
