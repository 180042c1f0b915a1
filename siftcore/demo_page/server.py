"""The page's server: to this machine only unless told otherwise, and nothing left behind."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from siftcore.demo_page.samples import FOLDER
from siftcore.errors import InputError, MissingDependencyError
from siftcore.io.temporaries import temporary_beside

__all__ = ["serve"]

# The oldest that has `api_visibility` and `footer_links`.
_GRADIO = 6
# Requests that wait; more are refused with a message.
_QUEUE = 16


def serve(
    *,
    host: str,
    port: int,
    max_upload_mb: float,
    max_megapixels: float,
    device: str,
    open_browser: bool,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    host, port : str, int
        Address to listen at.
    max_upload_mb : float
        Largest file, in units of 2**20 bytes.
    max_megapixels : float
        Largest image, in millions of pixels.
    device : str
        Where networks run.
    open_browser : bool
        Show the page in the browser of this machine.
    ready : callable
        Called with the page's address once it answers.

    Raises
    ------
    MissingDependencyError
        Without Gradio, or with one that is too old.
    InputError
        When the port is taken, or the address is not one of this machine's.
    """
    # Uploads are nobody else's business.
    uploads = Path(tempfile.gettempdir(), "uploads")
    with temporary_beside(uploads, folder=True, permissions=0o700) as folder:
        # Gradio reads these when it is imported: uploads go where they are removed at the end,
        # and no telemetry is sent.
        os.environ["GRADIO_TEMP_DIR"] = os.fspath(folder)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        _check_gradio()
        _check_address(host, port)
        from siftcore.demo_page.look import CSS, make_theme
        from siftcore.demo_page.page import build_page
        from siftcore.demo_page.process import ComparisonProcess

        process = ComparisonProcess()
        page = build_page(
            process=process,
            max_upload_mb=max_upload_mb,
            max_megapixels=max_megapixels,
            device=device,
        )
        page.queue(max_size=_QUEUE, default_concurrency_limit=1)
        try:
            _, address, _ = page.launch(
                server_name=host,
                server_port=port,
                share=False,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                quiet=True,
                max_file_size=int(max_upload_mb * 2**20),
                allowed_paths=[str(FOLDER)],
                footer_links=[],
                run_history=False,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                enable_monitoring=False,
                theme=make_theme(),
                css=CSS,
            )
            ready(address)
            threading.Event().wait()
        finally:
            process.close()
            page.close(verbose=False)


def _check_gradio() -> None:
    try:
        import gradio
    except ImportError:
        raise MissingDependencyError("gradio", "siftcore demo", "demo") from None
    if int(gradio.__version__.partition(".")[0]) < _GRADIO:
        purpose = f"siftcore demo (gradio {gradio.__version__} is too old)"
        raise MissingDependencyError(f"gradio>={_GRADIO}", purpose, "demo")


def _check_address(host: str, port: int) -> None:
    # Gradio's own message speaks of its Python interface.
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(
            f"cannot listen at {host}, port {port}: {error.strerror}; "
            "choose another with --port or --host"
        ) from error
