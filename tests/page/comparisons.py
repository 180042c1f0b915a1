"""Comparisons for a process of their own: it imports them by their names."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence

from siftcore.demo_page.compare import Outcome, Settings, compare
from siftcore.demo_page.pairs import Pair

__all__ = ["compare_or_worse"]


def compare_or_worse(pair: Pair, providers: Sequence[str], settings: Settings) -> Iterator[Outcome]:
    """Compare, but some names do worse than a provider."""
    for name in providers:
        if name == "endless":
            time.sleep(3600)
        elif name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif name == "wrong":
            raise KeyError(name)
        elif name == "no memory":
            raise MemoryError
        else:
            yield from compare(pair, [name], settings)
