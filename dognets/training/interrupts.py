"""Let an interrupt wait until an update is whole, so that what is then saved is too."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["InterruptsWait"]


class InterruptsWait:
    """While this lasts, the first Ctrl-C or SIGTERM only sets `asked`; the second raises at once.

    Outside the main thread, and where the program handles interrupts itself, it changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._usual: dict[int, Any] = {}

    def __enter__(self) -> InterruptsWait:
        if threading.current_thread() is threading.main_thread():
            # SIGTERM is how clusters say that time is up.
            for number, usual in (
                (signal.SIGINT, signal.default_int_handler),
                (signal.SIGTERM, signal.SIG_DFL),
            ):
                if signal.getsignal(number) is usual:
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

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
