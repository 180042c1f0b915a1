"""The command ``dognets``: train, evaluate and export networks.

Whatever goes wrong is one line on stderr, ``error: ...``, and exit code 2; an interrupt is 130.
"""

from __future__ import annotations

import typer

from dognets.commands import evaluation, training, weight_files  # noqa: F401 - they register
from dognets.commands.options import app
from siftcore._cli_errors import keep_interrupts, open_closed_streams

__all__ = ["app", "main"]


@app.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    """Networks that super-resolve SIFT's scale space.

    Example: dognets train --preset method3-x2 --data DIV2K --out runs/method3-x2
    """
    _require_torch()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _require_torch() -> None:
    from importlib.util import find_spec

    from siftcore.errors import MissingDependencyError

    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            raise MissingDependencyError(package, "dognets", "torch")


def main() -> None:
    """Entry point of the command ``dognets``."""
    open_closed_streams()
    keep_interrupts()
    app()


if __name__ == "__main__":
    main()
