"""Weights of a run, made ready to be shipped."""

from __future__ import annotations

import copy
from dataclasses import asdict
from pathlib import Path

from dognets.convert import SMALLEST_SIDE
from dognets.data.cache import ImageCache
from dognets.pretrained import WeightsEntry, load_model, save_weights
from dognets.training.validation import validate
from siftcore.io.atomic import check_writable

__all__ = ["pack"]

# Half precision is stored where no level loses more, dB.
TOLERANCE = 0.01


def pack(run: str | Path, data: str | Path, out: str | Path) -> WeightsEntry:
    """Write ``{name}.safetensors`` and its manifest line, in half precision if that costs nothing.

    Parameters
    ----------
    run : path
        Folder of a finished run, or a weight file.
    data : path
        Folder of images; those kept back from training are validated on.
    out : path
        Folder.

    Raises
    ------
    WeightsError
        When the weights cannot be loaded.
    OutputError
        When the file cannot be written.
    """
    model, entry = load_model(run)
    path = Path(out) / f"{entry.name}.safetensors"
    # Before the work, which takes minutes.
    check_writable(path)
    cache = ImageCache.open(data, SMALLEST_SIDE)
    held_back = cache.split()[1]
    rounded = copy.deepcopy(model).half().float()
    single, half = (
        validate(m, cache, held_back, degradation=entry.degradation) for m in (model, rounded)
    )
    facts = asdict(entry)
    for written in ("file", "sha256", "scale"):
        del facts[written]
    store_half = bool((single.predicted - half.predicted).max() < TOLERANCE)
    return save_weights(rounded if store_half else model, path, facts, half=store_half)
