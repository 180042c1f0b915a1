"""CSV and TensorBoard logs of a run, continued without doubled rows after a kill."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from siftcore.io.atomic import atomic_write

__all__ = ["RunLog"]


class RunLog:
    """Two tables, ``log.csv`` and ``validation.csv``, and TensorBoard where it is installed.

    Parameters
    ----------
    folder : path
    step : int
        Rows of later steps, which a killed run left, are dropped.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        self.folder = folder
        for name in ("log.csv", "validation.csv"):
            _truncate(folder / name, step)
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        # It hides that step itself too.
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, table: str, step: int, values: Mapping[str, float]) -> None:
        """Append one row to ``{table}.csv``."""
        path = self.folder / f"{table}.csv"
        new = not path.exists()
        with open(path, "a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", *values])
            writer.writerow([step, *(f"{v:.6g}" for v in values.values())])
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(f"{table}/{key}", value, step)

    def close(self) -> None:
        """Flush what TensorBoard still holds."""
        if self._board is not None:
            self._board.close()


def _truncate(path: Path, step: int) -> None:
    if not path.exists():
        return
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    if not rows:
        path.unlink()
        return
    width = len(rows[0])
    kept = [row for row in rows[1:] if len(row) == width and int(row[0]) <= step]
    if step == 0 or not kept:
        path.unlink()
        return
    with atomic_write(path) as temporary, open(temporary, "w", newline="") as file:
        csv.writer(file).writerows([rows[0], *kept])
