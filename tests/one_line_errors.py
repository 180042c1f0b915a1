"""What every command does about an error of its user: one line, and exit code 2."""

from __future__ import annotations

from typing import Any

__all__ = ["assert_one_line_error"]


def assert_one_line_error(result: Any, *words: str, silent: bool = True) -> None:
    """`result` is that of typer's `CliRunner`; the line has all the words.

    A command that had answered in part before is not `silent`.
    """
    assert result.exit_code == 2, (result.stdout, result.stderr, result.exception)
    assert result.stdout == "" or not silent
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
