"""``siftcore`` itself, with all its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from siftcore import __version__
from siftcore.commands import (  # noqa: F401 - they add their commands
    demo,
    extract,
    index,
    match,
    match_pairs,
    pairs,
    query,
    setup,
    to_colmap,
)
from siftcore.commands.options import app

__all__ = ["app"]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """SIFT keypoints and matches, with a classical or a super-resolved scale space.

    Example: siftcore match a.png b.png --geometry homography --out matches.png
    """
    if version:
        typer.echo(f"siftcore {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
