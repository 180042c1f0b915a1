"""The command ``siftcore``.

Whatever goes wrong is one line on stderr, ``error: ...``, and exit code 2; a signal that stops it
is one line too, and the code of shells, 130 for Ctrl-C and 143 for SIGTERM. A batch that had to
skip images lists them, and its exit code is 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siftcore._stopping import run_command

if TYPE_CHECKING:
    from siftcore.commands.root import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    run_command("siftcore.commands.root")


def __getattr__(name: str) -> Any:
    # As in `run_command`: not before signals are handled.
    if name == "app":
        from siftcore.commands.root import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
