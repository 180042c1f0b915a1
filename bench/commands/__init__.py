"""The command line: ``python -m bench NAME``."""

from __future__ import annotations

from bench.commands import engine, pages, paper, quality  # noqa: F401 - they add their commands
from bench.commands.options import app
from siftcore._cli_errors import keep_interrupts

__all__ = ["main"]


def main() -> None:
    """Run the app; one line and exit code 2 on a foreseen error."""
    keep_interrupts()
    app()
