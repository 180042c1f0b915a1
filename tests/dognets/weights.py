"""Weight files of tiny networks; imported where torch is known to be there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dognets.models import SuperResolver
from dognets.pretrained import WeightsEntry, save_weights
from tests.dognets.networks import SMALL, small_model, stirred

FILE = "weights.safetensors"


def facts(name: str, scale: int = 2) -> dict[str, Any]:
    """What a run would say of such a network."""
    architecture, options = SMALL[name]
    return {
        "name": f"{architecture}-x{scale}",
        "architecture": architecture,
        "options": options,
        "ladder": "image",
        "data": "none",
        "iterations": 0,
        "samples": 0,
        "converged": "not trained",
        "command": "dognets train",
        "commit": "unknown",
        "licence": "Apache-2.0",
        "validation": {"psnr": [], "gain": []},
    }


def save_small(
    name: str, path: Path, scale: int = 2, half: bool = False
) -> tuple[SuperResolver, WeightsEntry]:
    """Write a small network's weights, none of them zero."""
    model = stirred(small_model(name, scale))
    return model, save_weights(model, path, facts(name, scale), half=half)


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change fields of the one weight file that the folder's manifest lists."""
    path = folder / "manifest.json"
    (entry,) = json.loads(path.read_text())
    path.write_text(json.dumps([entry | changes]))
