"""``siftcore demo``: options, and what stops it from starting."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from siftcore.cli import app


@pytest.fixture(autouse=True)
def _undisturbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command sets variables for its process, which is ours here."""
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, str(tmp_path))


def _error(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["demo", "--no-browser", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_without_gradio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert _error() == (
        "error: siftcore demo needs the package 'gradio', which is not installed; "
        'run: pip install "siftcore[demo]"'
    )


def test_an_old_gradio_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(__version__="5.49.1"))
    line = _error()
    assert "gradio 5.49.1 is too old" in line
    assert 'pip install "siftcore[demo]"' in line


def test_a_taken_port_and_a_foreign_address() -> None:
    pytest.importorskip("gradio", reason="needs gradio (pip install 'siftcore[demo]')")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = _error("--port", str(port))
    assert line.startswith(f"error: cannot listen at 127.0.0.1, port {port}: ")
    assert line.endswith("; choose another with --port or --host")
    # Reserved for documentation: no machine has it.
    assert "cannot listen at 192.0.2.1, port 7860: " in _error("--host", "192.0.2.1")


@pytest.mark.parametrize(
    "arguments",
    [["--port", "0"], ["--port", "70000"], ["--max-upload-mb", "0"], ["--max-megapixels", "-1"]],
)
def test_options_out_of_range(arguments: list[str]) -> None:
    assert arguments[0] in _error(*arguments)


def test_help_says_who_can_reach_it() -> None:
    result = CliRunner().invoke(app, ["demo", "--help"])
    assert result.exit_code == 0
    assert "127.0.0.1" in result.stdout
    assert "Only this machine can reach it" in result.stdout
