"""What a benchmark returns: a table with the machine it came from, as Markdown and as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

from bench.intervals import Estimate
from siftcore.io.atomic import atomic_write

__all__ = ["Report", "Table", "environment"]

SCHEMA = 2
_PACKAGES = (
    "siftcore", "numpy", "numba", "pillow", "poselib", "scikit-image",
    "opencv-python-headless", "faiss-cpu", "pycolmap", "torch",
)  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def environment() -> dict[str, Any]:
    """Machine and versions that figures depend on."""
    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "machine": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


@dataclass
class Table:
    """Rows under named columns.

    Attributes
    ----------
    title : str
    columns : list of str
    rows : list of list
        Strings, numbers, booleans, `Estimate` or None.
    """

    title: str
    columns: list[str]
    rows: list[list[Any]] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        """Append a row."""
        if len(cells) != len(self.columns):
            raise ValueError(f"a row of {self.title!r} needs {len(self.columns)} cells: {cells}")
        self.rows.append([cell.item() if hasattr(cell, "item") else cell for cell in cells])

    def add_failed(self, name: str, reason: str) -> None:
        """A row for what raised on the way."""
        self.add(name, f"failed: {reason}", *[None] * (len(self.columns) - 2))

    def markdown(self) -> str:
        """The table in Markdown."""
        header = [self.columns, ["---"] * len(self.columns)]
        body = [[_shown(cell) for cell in row] for row in self.rows]
        lines = ["| " + " | ".join(cells) + " |" for cells in [*header, *body]]
        return "\n".join([f"### {self.title}", "", *lines])


def _shown(cell: Any) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Estimate):
        mean = _shown(cell.mean)
        known = isfinite(cell.low) and isfinite(cell.high)
        return f"{mean} [{_shown(cell.low)}, {_shown(cell.high)}]" if known else mean
    if isinstance(cell, float):
        if not isfinite(cell):
            return "-"
        return f"{cell:.4g}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell).replace("|", "\\|")


def _plain(cell: Any) -> Any:
    """A cell as JSON has it."""
    if isinstance(cell, Estimate):
        return {k: _plain(v) for k, v in asdict(cell).items()}
    return None if isinstance(cell, float) and not isfinite(cell) else cell


@dataclass
class Report:
    """All tables of one benchmark.

    Attributes
    ----------
    name : str
    settings : dict
        Threads, seed, folders and whatever else the figures depend on.
    tables : list of Table
    notes : list of str
        How the figures are to be read.
    skipped, failed : dict of str to str
        Inputs that could not be used and providers that raised, and why.
    command : str or None
        That gives these figures, where a command gave them.
    """

    name: str
    settings: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    command: str | None = None

    def table(self, title: str, *columns: str) -> Table:
        """Start a new table."""
        self.tables.append(Table(title, list(columns)))
        return self.tables[-1]

    def as_dict(self) -> dict[str, Any]:
        """What is written as JSON; its schema is ``bench/results.schema.json``."""
        return {
            "schema": SCHEMA,
            "benchmark": self.name,
            "command": self.command,
            "date": datetime.now(timezone.utc).date().isoformat(),
            "environment": environment(),
            "settings": self.settings,
            "notes": self.notes,
            "skipped": self.skipped,
            "failed": self.failed,
            "tables": [
                {
                    "title": table.title,
                    "columns": table.columns,
                    "rows": [[_plain(cell) for cell in row] for row in table.rows],
                }
                for table in self.tables
            ],
        }

    def markdown(self) -> str:
        """Tables, notes and machine in Markdown."""
        about = environment()
        packages = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
        settings = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        machine = (
            f"Machine: {about['machine']}, {about['cores']} cores, {about['system']}, "
            f"Python {about['python']}. {packages}. {settings}."
        )
        parts = [f"## {self.name}", *(table.markdown() for table in self.tables)]
        return "\n\n".join([*parts, *self.notes, *self._troubles(), machine])

    def _troubles(self) -> list[str]:
        said = []
        if self.skipped:
            listed = "; ".join(f"{name} ({why})" for name, why in self.skipped.items())
            said.append(f"Skipped, {len(self.skipped)}: {listed}.")
        if self.failed:
            listed = "; ".join(f"{name} ({why})" for name, why in self.failed.items())
            said.append(f"Failed: {listed}.")
        return said

    def write_json(self, path: Path) -> None:
        """Write `as_dict`, whole or not at all."""
        text = json.dumps(self.as_dict(), indent=1, allow_nan=False)
        with atomic_write(path) as temporary:
            Path(temporary).write_text(text + "\n")
