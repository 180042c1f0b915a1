"""``siftcore`` in this process, or as a program."""

from __future__ import annotations

import sys

from typer.testing import CliRunner

from siftcore.cli import app

SHIFT = 9


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def subprocess_command(*arguments):
    return [sys.executable, "-m", "siftcore", *arguments]
