"""The weights that come with the package: what each is, and how far it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dognets.models import build_model
from dognets.pretrained import WEIGHTS_FOLDER, read_manifest

__all__ = ["COLUMNS", "weight_rows"]

COLUMNS = (
    "name", "parameters", "multiply-adds a pixel", "trained on", "steps", "converged",
    "DoG gain over bicubic, dB", "licence", "KiB",
)  # fmt: skip


def weight_rows(folder: Path = WEIGHTS_FOLDER) -> Iterator[tuple[str | int | None, ...]]:
    """A row for every file in the manifest of a folder; None where something is not known."""
    for entry in read_manifest(folder).values():
        model = build_model(entry.architecture, entry.scale, **entry.options)
        yield (
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
