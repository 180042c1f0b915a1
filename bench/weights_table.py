"""The weights that come with the package, as a table of the results."""

from __future__ import annotations

from pathlib import Path

from bench.report import Table
from dognets.listing import COLUMNS, weight_rows
from dognets.pretrained import WEIGHTS_FOLDER

__all__ = ["weights_table"]


def weights_table(folder: Path = WEIGHTS_FOLDER) -> Table:
    """A row for every file in the manifest of a folder."""
    table = Table("Weights that come with the package", list(COLUMNS))
    for row in weight_rows(folder):
        table.add(*row)
    return table
