"""``siftcore demo``: a page to try it on."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from siftcore.commands.options import Device, app

__all__ = ["demo"]


@app.command(epilog="\b\nExample:\n  siftcore demo --port 8000 --no-browser")
def demo(
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen at; 0.0.0.0 opens the page to everybody."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port.")] = 7860,
    max_upload_mb: Annotated[
        float, typer.Option("--max-upload-mb", min=0.001, max=1000, help="Largest file, in MB.")
    ] = 20.0,
    max_megapixels: Annotated[
        float,
        typer.Option("--max-megapixels", min=0.001, max=1000, help="Largest image, in megapixels."),
    ] = 24.0,
    device: Device = "auto",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page in a browser.")
    ] = False,
) -> None:
    """A page in the browser: drop two images, compare providers, see the matches.

    Only this machine can reach it, unless --host says otherwise. Ctrl-C ends it.
    """
    from siftcore.demo_page.server import serve

    def ready(address: str) -> None:
        typer.echo(f"siftcore demo: {address} (Ctrl-C ends it)")
        # It must be seen also where the output is a pipe.
        sys.stdout.flush()

    serve(
        host=host,
        port=port,
        max_upload_mb=max_upload_mb,
        max_megapixels=max_megapixels,
        device=device,
        open_browser=not no_browser,
        ready=ready,
    )
