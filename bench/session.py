"""One run of a benchmark: its cache, its progress, and what went wrong on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.report import Report
from bench.store import Store
from siftcore.errors import InputError, SiftError

__all__ = ["Session"]

T = TypeVar("T")
U = TypeVar("U")
_SHOWN = 10


class Session:
    """Shared by the steps of a run.

    A broken image is skipped, counted and named at the end. A provider that raises gets a row
    that says so; the rest goes on.

    Parameters
    ----------
    store : Store, optional
        By default nothing is kept.
    seed : int, default 0
    progress : bool, optional
        Bars on the standard error; by default where that is a terminal.

    Attributes
    ----------
    skipped : dict of str to str
        Inputs that could not be used, and why.
    failed : dict of str to str
        Providers or programs that raised, and what.
    """

    def __init__(
        self, store: Store | None = None, seed: int = 0, progress: bool | None = None
    ) -> None:
        self.store = store or Store(None)
        self.seed = seed
        self.progress = sys.stderr.isatty() if progress is None else progress
        self.skipped: dict[str, str] = {}
        self.failed: dict[str, str] = {}

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        """`items`, with a progress bar."""
        if not self.progress:
            yield from items
            return
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield from bar.track(items, total=total, description=label)

    def readable(
        self, paths: Iterable[Path], read: Callable[[Path], T]
    ) -> Iterator[tuple[Path, T]]:
        """Each path with what `read` makes of it; those that fail are skipped and noted."""
        for path in paths:
            try:
                found = read(path)
            except (SiftError, OSError, ValueError) as error:
                self.skipped[_short(path)] = _line(error)
                continue
            yield path, found

    def attempt(self, name: str, function: Callable[[], T]) -> T | None:
        """What `function` returns; None from the first time on that it raised for `name`."""
        if name in self.failed:
            return None
        try:
            return function()
        # A third-party provider may raise anything.
        except Exception as error:
            self.failed[name] = _line(error)
            return None

    def finish(self, report: Report) -> Report:
        """`report`, told what was skipped and what failed."""
        report.skipped = dict(self.skipped)
        report.failed = dict(self.failed)
        return report

    def nothing_left(self, what: str) -> InputError:
        """The error for when every input was skipped."""
        reasons = "; ".join(f"{k}: {v}" for k, v in list(self.skipped.items())[:_SHOWN])
        return InputError(f"no {what} could be used: {reasons}")


def _short(path: Path) -> str:
    return "/".join(path.parts[-2:])


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"
