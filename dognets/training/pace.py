"""How fast a run goes."""

from __future__ import annotations

import time

__all__ = ["Pace"]


class Pace:
    """Samples a second, without the time of validations and checkpoints.

    Parameters
    ----------
    batch : int
        Samples of an update.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._samples = 0
        self._seconds = 0.0
        self._since = time.monotonic()

    def after_update(self) -> float:
        """Samples a second of all updates so far, waiting for their patches included."""
        self._samples += self._batch
        self._seconds += time.monotonic() - self._since
        return self._samples / max(self._seconds, 1e-9)

    def resume(self) -> None:
        """Go on; what was done since the update does not count."""
        self._since = time.monotonic()
