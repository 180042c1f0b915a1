"""``siftcore providers`` and ``siftcore warmup``: what an installation can do."""

from __future__ import annotations

import time

import typer

from siftcore.commands.options import app

__all__ = ["providers", "warmup"]


@app.command(epilog=("\b\nExample:\n  siftcore providers"))
def providers() -> None:
    """List the scale spaces. Where one cannot be used, the list says what is missing."""
    import siftcore
    from siftcore import _report

    infos = [siftcore.provider_info(name) for name in siftcore.list_providers()]
    typer.echo(_report.provider_table(infos))


@app.command(epilog=("\b\nExample:\n  siftcore warmup"))
def warmup() -> None:
    """Compile all kernels now, so that no later process of this user waits for it.

    Run it once after an installation, and while a container is built.
    """
    from siftcore.warming import warm_up

    started = time.perf_counter()
    kernels = warm_up()
    typer.echo(f"{len(kernels)} kernels ready in {time.perf_counter() - started:.1f} s")
