"""``dognets`` itself, with all its commands."""

from __future__ import annotations

import typer

from dognets.commands import evaluation, training, weight_files  # noqa: F401 - they register
from dognets.commands.options import app

__all__ = ["app"]


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
