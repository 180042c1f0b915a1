"""Let an interrupt wait until an update is whole, so that what is then saved is too."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from siftcore._stopping import InterruptsWait

__all__ = ["UpdatesAreWhole"]


class UpdatesAreWhole(InterruptsWait):
    """While this lasts, the first Ctrl-C or SIGTERM only sets `asked`; the second raises at once.

    An update may take minutes. Where nobody handles SIGTERM it counts too: it is how clusters say
    that time is up.
    """

    def _waits(self, handler: Any) -> bool:
        return handler is signal.SIG_DFL or super()._waits(handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            self._raise(number)
        self.asked = number
