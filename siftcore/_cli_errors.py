"""How the command line fails: one line on stderr, exit code 2."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup

from siftcore._stopping import stop

__all__ = ["OneLineErrors", "make_app"]

# The base of all that Typer raises about a command line; where it lives depends on the version.
_UsageError: type[Exception] = next(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)
_FAILED = 2
_INTERRUPTED = 130


class OneLineErrors(TyperGroup):
    """Reports every expected error as one line, also when called through a test runner."""

    def main(self, *args: Any, **extra: Any) -> Any:
        from siftcore.errors import SiftError

        extra["standalone_mode"] = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A file's name need not be text in the terminal's encoding.
            sys.stdout.reconfigure(errors="backslashreplace")
        stop.told = False
        try:
            code = super().main(*args, **extra)
        except (KeyboardInterrupt, typer.Abort):
            code = stop.say()
        except BrokenPipeError:
            code = 1  # the reader of our output is gone, as in `| head`
        except (SiftError, OSError, MemoryError, _UsageError) as error:
            code = _FAILED
            # What a signal cut short may look like any other failure.
            if stop.number is None:
                with suppress(OSError):
                    print(f"error: {_one_line(error)}", file=sys.stderr)
            else:
                code = stop.say()
        if code == _INTERRUPTED:
            # Typer's own, where the signal came while it read the command line.
            code = stop.say()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Here, as Typer prints an empty line for it.
            return stop.say()


def make_app() -> typer.Typer:
    """A command line that fails in one line, with ``-h`` for help."""
    return typer.Typer(
        cls=OneLineErrors,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _one_line(error: BaseException) -> str:
    if isinstance(error, _UsageError):
        text = error.format_message()  # type: ignore[attr-defined]
    elif isinstance(error, MemoryError):
        text = "not enough memory; use a smaller image or a provider with a smaller factor"
    else:
        text = str(error)
    return " ".join(text.split()) or type(error).__name__
