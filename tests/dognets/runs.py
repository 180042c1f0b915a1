"""Training runs of seconds; imported where torch is known to be there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from dognets.training.presets import TrainingPreset, get_preset
from dognets.training.trainer import Trainer

TINY = {
    "steps": 9,
    "batch": 4,
    "patch": 20,
    "halo": 2,
    "optimiser": "adam",
    "learning_rate": 5e-3,
    "validate_every": 3,
    "options": {"channels": 8, "depth": 2},
}


def tiny_preset(name: str = "method3-x2", **changes: Any) -> TrainingPreset:
    return get_preset(name, **TINY | changes)


def tiny_trainer(folder: Path, out: Path, name: str = "method3-x2", **settings: Any) -> Trainer:
    """A run on the CPU; settings of the preset and of the trainer together."""
    own = ("resume", "workers", "precision", "checkpoint_seconds", "init")
    kept = {key: settings.pop(key) for key in own if key in settings}
    preset = tiny_preset(name, **settings)
    return Trainer(preset, folder, out, device="cpu", cache_folder=folder.parent / "cache", **kept)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
