"""The command ``dognets``: train, evaluate and export networks.

Whatever goes wrong is one line on stderr, ``error: ...``, and exit code 2; a signal that stops it
is one line too, and the code of shells, 130 for Ctrl-C and 143 for SIGTERM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siftcore._stopping import run_command

if TYPE_CHECKING:
    from dognets.commands.root import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the command ``dognets``."""
    run_command("dognets.commands.root")


def __getattr__(name: str) -> Any:
    # As in `run_command`: not before signals are handled.
    if name == "app":
        from dognets.commands.root import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
