"""How the command line fails: one line on stderr, exit code 2; an interrupt is 130."""

from __future__ import annotations

import _thread
import io
import os
import signal
import sys
import threading
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = [
    "OneLineErrors",
    "keep_interrupts",
    "make_app",
    "open_closed_streams",
    "take_termination_for_interrupt",
]

# The base of all that Typer raises about a command line; where it lives depends on the version.
_UsageError: type[Exception] = next(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)
_INTERRUPTED = 130
_FAILED = 2


class OneLineErrors(TyperGroup):
    """Reports every expected error as one line, also when called through a test runner."""

    def main(self, *args: Any, **extra: Any) -> Any:
        from siftcore.errors import SiftError

        extra["standalone_mode"] = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A file's name need not be text in the terminal's encoding.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **extra)
        except (KeyboardInterrupt, typer.Abort):
            code = _INTERRUPTED
        except BrokenPipeError:
            code = 1  # the reader of our output is gone, as in `| head`
        except (SiftError, OSError, MemoryError, _UsageError) as error:
            code = _FAILED
            print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(code if isinstance(code, int) else 0)


def make_app() -> typer.Typer:
    """A command line that fails in one line, with ``-h`` for help."""
    return typer.Typer(
        cls=OneLineErrors,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def keep_interrupts() -> None:
    """Raise an interrupt again that came inside a destructor, where Python drops it."""
    usual = sys.unraisablehook

    def raise_again(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not None and issubclass(dropped.exc_type, KeyboardInterrupt):
            # Not at once: that would still be inside the destructor.
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            usual(dropped)

    sys.unraisablehook = raise_again


def open_closed_streams() -> None:
    """Connect standard streams that the caller closed to nothing.

    Python has None for them, and the next file that is opened would get their number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, so this one.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - for good


def take_termination_for_interrupt() -> None:
    """Let SIGTERM end a command as Ctrl-C does, so that unfinished files are deleted."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _one_line(error: BaseException) -> str:
    if isinstance(error, _UsageError):
        text = error.format_message()  # type: ignore[attr-defined]
    elif isinstance(error, MemoryError):
        text = "not enough memory; use a smaller image or a provider with a smaller factor"
    else:
        text = str(error)
    return " ".join(text.split()) or type(error).__name__
