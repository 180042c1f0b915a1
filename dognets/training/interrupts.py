"""Let an interrupt wait until an update is whole, so that what is then saved is too."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["InterruptsWait"]


class InterruptsWait:
    """While this context lasts, the first Ctrl-C only sets `asked`; the second raises at once.

    Outside the main thread, and where the program handles interrupts itself, it changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._in_force = False

    def __enter__(self) -> InterruptsWait:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._in_force = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._in_force:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
