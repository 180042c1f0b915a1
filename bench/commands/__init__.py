"""The command line: ``python -m bench NAME``."""

from __future__ import annotations

from bench.commands import engine, pages, paper, quality  # noqa: F401 - they add their commands
from bench.commands.options import app

__all__ = ["app"]
