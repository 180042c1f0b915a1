"""Being stopped from outside: a command once and for all, or a step not before it is whole."""

from __future__ import annotations

import _thread
import atexit
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from siftcore._streams import open_closed_streams

__all__ = ["InterruptsWait", "Stop", "run_command", "stop"]

# How long, in seconds, a stopped command may take to clean up before a further signal ends it.
PATIENCE = 2.0
# What is left to do behind the last line of Python takes no longer.
SECONDS_TO_END = 30
_BASE = 128


def _numbers() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [signal.Signals[name] for name in names if hasattr(signal, name)]


class _StoppedError(KeyboardInterrupt):
    """A signal came.

    Where a `KeyboardInterrupt` itself passes through `exec`, Python ends by SIGINT whatever the
    exit code is.
    """


class Stop:
    """What the first signal does to a command, and those that come after it.

    The first raises a `KeyboardInterrupt` in the main thread, so that unfinished files are deleted
    and workers end. Further ones must not disturb that: they change nothing, until `PATIENCE` is
    over; the next one then ends the process at once.

    Attributes
    ----------
    number : int or None
        The signal that stopped the command.
    told : bool
        Whether that was said.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.told = False
        self._until: float | None = None

    @property
    def code(self) -> int:
        """The exit code, as shells give it: 130 for SIGINT, 143 for SIGTERM."""
        return _BASE + (self.number or signal.SIGINT)

    def say(self, hint: str = "") -> int:
        """Tell it in one line on stderr, once; return the exit code."""
        if not self.told:
            self.told = True
            by = "" if self.number is None else f" by {signal.Signals(self.number).name}"
            with suppress(OSError):
                print(f"stopped{by}{hint}", file=sys.stderr)
        return self.code

    def take_signals(self) -> None:
        """Handle SIGINT, SIGTERM and SIGHUP, except what the caller had ignored, as nohup has."""
        for number in _numbers():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self.handle)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handler of these signals."""
        if self._until is None:
            self.number = number
            self._until = time.monotonic() + PATIENCE
            raise _StoppedError
        if time.monotonic() > self._until:
            os._exit(_BASE + number)

    def over(self) -> None:
        """The command is done; a signal has nothing to stop any more."""
        if self._until is None:
            self._until = time.monotonic() + PATIENCE

    def raise_dropped(self, usual: Callable[[sys.UnraisableHookArgs], object]) -> None:
        """Raise an interrupt again that came inside a destructor, where Python drops it."""
        main = _thread.get_ident()

        def raise_again(dropped: sys.UnraisableHookArgs) -> None:
            if dropped.exc_type is not None and issubclass(dropped.exc_type, KeyboardInterrupt):
                # Not at once: that would still be inside the destructor. And without a lock of
                # `threading`, which the thread that is interrupted may hold.
                _thread.start_new_thread(again, (signal.Signals(self.number or signal.SIGINT),))
            else:
                usual(dropped)

        def again(number: signal.Signals) -> None:
            time.sleep(0.01)
            self._until = None
            if hasattr(signal, "pthread_kill"):
                # Also ends what the main thread waits for.
                signal.pthread_kill(main, number)
            else:
                _thread.interrupt_main(number)

        sys.unraisablehook = raise_again


# Signals are the whole process's, and so is this.
stop = Stop()


def run_command(module: str) -> None:
    """Run the ``app`` of a module as this process; the right exit code where a signal stops it.

    Parameters
    ----------
    module : str
        Imported here: that takes most of a start, in which a signal already has to be handled.
    """
    stop.take_signals()
    stop.raise_dropped(sys.unraisablehook)
    # The first that is registered is the last that is called.
    atexit.register(_let_it_end)
    try:
        open_closed_streams()
        importlib.import_module(module).app()
    except KeyboardInterrupt:
        sys.exit(stop.say())
    except Exception:
        # Half-imported modules raise anything.
        if stop.number is None:
            raise
        sys.exit(stop.say())
    finally:
        stop.over()


def _let_it_end() -> None:
    # Python is about to take its handlers off; a signal would then change the exit code.
    for number in _numbers():
        if signal.getsignal(number) == stop.handle:
            signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "alarm") and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
        signal.alarm(SECONDS_TO_END)


class InterruptsWait:
    """While this lasts, an interrupt is only noted; it is raised at the end.

    Outside the main thread, and where the program handles interrupts itself, it changes nothing.

    Attributes
    ----------
    asked : int or None
        The signal that came.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._usual: dict[int, Any] = {}

    def __enter__(self) -> InterruptsWait:
        if threading.current_thread() is threading.main_thread():
            for number in _numbers():
                if self._waits(signal.getsignal(number)):
                    self._usual[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)
        if self.asked is not None and kind is None:
            self._raise(self.asked)

    def _waits(self, handler: Any) -> bool:
        return handler in (signal.default_int_handler, stop.handle)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = self.asked or number

    def _raise(self, number: int) -> None:
        usual = self._usual[number]
        if callable(usual):
            usual(number, None)
        else:
            raise KeyboardInterrupt
