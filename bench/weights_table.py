"""The weights that come with the package: what each is, and how far it was trained."""

from __future__ import annotations

from pathlib import Path

from bench.report import Table
from dognets.models import build_model
from dognets.pretrained import WEIGHTS_FOLDER, read_manifest

__all__ = ["weights_table"]


def weights_table(folder: Path = WEIGHTS_FOLDER) -> Table:
    """A row for every file in the manifest of a folder."""
    table = Table(
        "Weights that come with the package",
        ["name", "parameters", "multiply-adds a pixel", "trained on", "steps", "converged",
         "DoG gain over bicubic, dB", "licence", "KiB"],
    )  # fmt: skip
    for entry in read_manifest(folder).values():
        model = build_model(entry.architecture, entry.scale, **entry.options)
        table.add(
            entry.name,
            f"{model.count_parameters():,}",
            f"{model.count_multiply_adds():,.0f}",
            entry.data,
            f"{entry.iterations:,}" if entry.iterations else None,
            entry.converged,
            " ".join(f"{gain:+.2f}" for gain in entry.validation["gain"]),
            entry.licence,
            round((folder / entry.file).stat().st_size / 1024),
        )
    return table
